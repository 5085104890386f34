package main

import (
	"crypto/tls"
	"errors"
	"slices"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// consumer is a consumer with connections of its own.
type consumer struct {
	*kgo.Client
	reach      *reach
	group      string
	partitions map[string]map[int32]kgo.Offset // nil unless it reads certain partitions
}

// react renews topics that were deleted and created again. It returns the first error that ends the consumer.
func (c *consumer) react(failures []kgo.FetchError) error {
	renewed := ""
	for _, failure := range failures {
		if errors.Is(failure.Err, kerr.UnknownTopicID) {
			if failure.Topic != renewed { // a topic's partitions come one after the other
				renewed = failure.Topic
				c.renew(renewed)
			}
			continue
		}
		err := fatal(failure.Err)
		switch {
		case err == nil:
		case failure.Topic == "":
			return err
		default:
			return restyffi.Errorf(err.Code, "partition %d of %q: %s", failure.Partition, failure.Topic, err.Message)
		}
	}
	return nil
}

// hopeless has the errors that end a consumer. After any other error franz-go retries, since the broker may come back, the
// group be joined again, or the topic be created.
var hopeless = []*kerr.Error{
	kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState, kerr.ClusterAuthorizationFailed,
	kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.InvalidGroupID, kerr.InvalidSessionTimeout,
	kerr.InconsistentGroupProtocol, kerr.InvalidTopicException, kerr.UnsupportedVersion, kerr.OffsetOutOfRange,
	kerr.GroupMaxSizeReached, kerr.FencedInstanceID,
}

// fatal returns the error with which err ends a consumer, or nil if the consumer continues.
func fatal(err error) *restyffi.Error {
	var known *kerr.Error
	if errors.As(err, &known) && slices.Contains(hopeless, known) {
		return restyffi.Errorf(int(known.Code), "%v", err)
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return restyffi.Errorf(clientFailed, "%v", err)
	}
	return nil
}

// renew makes a consumer read a topic that was deleted and created again. A consumer of certain partitions reads them from the
// beginning, because its offsets belong to the old topic.
func (c *consumer) renew(topic string) {
	c.PurgeTopicsFromConsuming(topic)
	if c.partitions == nil {
		c.AddConsumeTopics(topic) // has no effect with a pattern, which finds the topic again
		return
	}
	again := make(map[int32]kgo.Offset, len(c.partitions[topic]))
	for number := range c.partitions[topic] {
		again[number] = kgo.NewOffset().AtStart()
	}
	c.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: again})
}
