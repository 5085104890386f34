package main

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// maxRecords and maxBytes bound a message of a consumer's stream: many records in one cost less than one each.
	maxRecords = 256
	maxBytes   = 64 << 10
	// leaveTimeout bounds how long the end of a consumer waits for the broker to be told.
	leaveTimeout = 5 * time.Second
)

// subscription opens a consumer. ID is of the caller's choice: its commits name it.
type subscription struct {
	ID             string   `msgpack:"id"`
	Group          string   `msgpack:"group"`
	Topics         []string `msgpack:"topics"`
	From           string   `msgpack:"from"`
	SessionTimeout float64  `msgpack:"session_timeout"`
	ReadCommitted  bool     `msgpack:"read_committed"`
	MaxWait        float64  `msgpack:"max_wait"`
}

// received is a record, as a list: topic, partition, offset, timestamp in milliseconds, key, value, headers.
type received struct {
	//lint:ignore U1000 the encoder reads its tag
	_msgpack  struct{} `msgpack:",as_array"`
	Topic     string
	Partition int32
	Offset    int64
	Timestamp int64
	Key       *string
	Value     *string
	Headers   map[string]string
}

// commitment says that a record has been dealt with, and those before it in its partition.
type commitment struct {
	ID      string  `msgpack:"id"`
	Records []place `msgpack:"records"`
}

// consumers are those that are open, by their ids.
type consumers struct {
	rt   *restyffi.Runtime
	mu   sync.Mutex
	open map[string]*kgo.Client
}

func newConsumers(rt *restyffi.Runtime) *consumers {
	return &consumers{rt: rt, open: make(map[string]*kgo.Client)}
}

// consume sends the records of the subscribed topics until the caller goes away.
func (cs *consumers) consume(ctx context.Context, c *client, s *subscription, stream *pool.Stream) error {
	k, err := cs.join(c.options, s)
	if err != nil {
		return err
	}
	defer cs.leave(s.ID, k)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Polling says nothing of a broker that does not let us in; franz-go tries for ever.
	go func() {
		if err := fatal(k.Ping(ctx)); err != nil {
			cancel(err)
		}
	}()
	for {
		fetches := k.PollRecords(ctx, maxRecords)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if fetches.IsClientClosed() {
			return restyffi.Errorf(restyffi.CodeUnloaded, "the consumer is closed")
		}
		for _, failure := range fetches.Errors() {
			if err := fatal(failure.Err); err != nil {
				return err
			}
		}
		if err := forward(stream, fetches); err != nil {
			return err
		}
	}
}

// hopeless are the errors that end a consumer. After all others franz-go tries again: brokers come back, groups are joined
// again, topics are made.
var hopeless = []error{
	kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState, kerr.ClusterAuthorizationFailed,
	kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.InvalidGroupID, kerr.InvalidSessionTimeout,
	kerr.InconsistentGroupProtocol, kerr.InvalidTopicException, kerr.UnsupportedVersion,
}

func fatal(err error) error {
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return coded(err)
	}
	for _, reason := range hopeless {
		if errors.Is(err, reason) {
			return coded(err)
		}
	}
	return nil
}

func forward(stream *pool.Stream, fetches kgo.Fetches) error {
	var batch []received
	bytes := 0
	for i := fetches.RecordIter(); !i.Done(); {
		r := i.Next()
		batch = append(batch, receivedFrom(r))
		bytes += len(r.Key) + len(r.Value) + 64
		if len(batch) == maxRecords || bytes >= maxBytes {
			if err := stream.Send(batch); err != nil {
				return err
			}
			batch, bytes = batch[:0], 0
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return stream.Send(batch)
}

func receivedFrom(r *kgo.Record) received {
	out := received{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(),
		Key: text(r.Key), Value: text(r.Value),
	}
	if len(r.Headers) > 0 {
		out.Headers = make(map[string]string, len(r.Headers))
		for _, h := range r.Headers {
			out.Headers[h.Key] = string(h.Value)
		}
	}
	return out
}

// text keeps apart what is empty and what is not there.
func text(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

// join makes the consumer's own connections.
func (cs *consumers) join(o *options, s *subscription) (*kgo.Client, error) {
	switch {
	case s.ID == "":
		return nil, invalid("a consumer needs an \"id\"")
	case s.Group == "":
		return nil, invalid("a consumer needs a \"group\"")
	case len(s.Topics) == 0:
		return nil, invalid("a consumer needs \"topics\", a list of at least one")
	}
	opts, err := o.connection(cs.rt)
	if err != nil {
		return nil, err
	}
	begin := kgo.NewOffset().AtStart()
	switch s.From {
	case "", "earliest":
	case "latest":
		begin = kgo.NewOffset().AtEnd()
	default:
		return nil, invalid("\"from\" must be \"earliest\" or \"latest\", not %q", s.From)
	}
	opts = append(opts, kgo.ConsumerGroup(s.Group), kgo.ConsumeTopics(s.Topics...), kgo.ConsumeResetOffset(begin),
		kgo.DisableAutoCommit())
	if s.SessionTimeout > 0 {
		opts = append(opts, kgo.SessionTimeout(seconds(s.SessionTimeout)),
			kgo.HeartbeatInterval(min(3*time.Second, seconds(s.SessionTimeout)/3)))
	}
	if s.ReadCommitted {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if s.MaxWait > 0 {
		opts = append(opts, kgo.FetchMaxWait(seconds(s.MaxWait)))
	}
	k, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, invalid("the consumer's options: %v", err)
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open[s.ID] != nil {
		k.Close()
		return nil, invalid("there is a consumer with the id %q already", s.ID)
	}
	cs.open[s.ID] = k
	return k, nil
}

// leave tells the group at once, so that others get its partitions without waiting for a time-out.
func (cs *consumers) leave(id string, k *kgo.Client) {
	cs.mu.Lock()
	delete(cs.open, id)
	cs.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	_ = k.LeaveGroupContext(ctx) // a broker that is away notices by itself
	k.Close()
}

// commit answers when the broker has noted what was dealt with.
func (cs *consumers) commit(ctx context.Context, _ *client, c *commitment) (any, error) {
	cs.mu.Lock()
	k := cs.open[c.ID]
	cs.mu.Unlock()
	if k == nil {
		return nil, restyffi.Errorf(restyffi.CodeUnloaded, "the consumer is closed")
	}
	list := make([]*kgo.Record, len(c.Records))
	for i, r := range c.Records {
		list[i] = &kgo.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, LeaderEpoch: -1}
	}
	return nil, coded(k.CommitRecords(ctx, list...))
}
