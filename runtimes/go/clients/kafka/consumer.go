package main

import (
	"crypto/tls"
	"errors"
	"slices"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// consumer has connections of its own.
type consumer struct {
	*kgo.Client
	reach      *reach
	group      string
	partitions map[string]map[int32]kgo.Offset // those that it reads; nil: all of its topics
}

// react renews the topics that were made again, and returns what the consumer cannot go on with.
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

// hopeless are the errors that end a consumer. After all others franz-go tries again: brokers come back, groups are joined
// again, topics are made.
var hopeless = []*kerr.Error{
	kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState, kerr.ClusterAuthorizationFailed,
	kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.InvalidGroupID, kerr.InvalidSessionTimeout,
	kerr.InconsistentGroupProtocol, kerr.InvalidTopicException, kerr.UnsupportedVersion, kerr.OffsetOutOfRange,
	kerr.GroupMaxSizeReached, kerr.FencedInstanceID,
}

// fatal is an error that ends a consumer, nil if this one does not.
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

// renew has a consumer forget a topic that was deleted and made again, and read the new one: from its beginning where the
// consumer reads certain partitions, for their offsets are those of the old one.
func (c *consumer) renew(topic string) {
	c.PurgeTopicsFromConsuming(topic)
	if c.partitions == nil {
		c.AddConsumeTopics(topic) // does nothing for a pattern, which finds the topic again
		return
	}
	again := make(map[int32]kgo.Offset, len(c.partitions[topic]))
	for number := range c.partitions[topic] {
		again[number] = kgo.NewOffset().AtStart()
	}
	c.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: again})
}
