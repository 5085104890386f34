package main

import (
	"context"
	"sync"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	"github.com/twmb/franz-go/pkg/kgo"
)

// leaveTimeout bounds how long the end of a consumer waits for the broker.
const leaveTimeout = 5 * time.Second

// commitment says that the caller has processed these records, and all records before them in their partitions.
type commitment struct {
	ID      string  `msgpack:"id"`
	Records []place `msgpack:"records"`
}

// consumers has the open consumers by their ids.
type consumers struct {
	rt   *restyffi.Runtime
	mu   sync.Mutex
	open map[string]*consumer
}

func newConsumers(rt *restyffi.Runtime) *consumers {
	return &consumers{rt: rt, open: make(map[string]*consumer)}
}

// consume serves a stream that sends the records of the subscription until the caller goes away.
func (cs *consumers) consume(ctx context.Context, c *client, s *subscription, stream *pool.Stream) error {
	k, err := cs.join(c.options, s)
	if err != nil {
		return err
	}
	defer cs.leave(s.ID, k)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Polling does not report a broker that refuses the client: franz-go retries for ever.
	stop := func(err error) {
		if err := fatal(err); err != nil {
			cancel(inTime(ctx, k.reach, err))
		}
	}
	k.reach.whenFailed(stop)
	go func() { stop(k.Ping(ctx)) }()
	for {
		fetches := k.PollRecords(ctx, maxRecords)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if fetches.IsClientClosed() {
			return restyffi.Errorf(restyffi.CodeUnloaded, "the consumer is closed")
		}
		if err := forward(stream, fetches); err != nil {
			return err
		}
		if err := k.react(fetches.Errors()); err != nil {
			return err
		}
	}
}

// join makes a consumer, with connections of its own.
func (cs *consumers) join(o *options, s *subscription) (*consumer, error) {
	own, err := s.options()
	if err != nil {
		return nil, err
	}
	partitions, err := s.assigned()
	if err != nil {
		return nil, err
	}
	r := newReach(o.dialer(), o.refusal())
	opts, err := o.connection(cs.rt, r)
	if err != nil {
		return nil, err
	}
	k, err := kgo.NewClient(append(opts, own...)...)
	if err != nil {
		return nil, invalid("the consumer's options: %v", err)
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open[s.ID] != nil {
		k.Close()
		return nil, invalid("there is a consumer with the id %q already", s.ID)
	}
	c := &consumer{k, r, s.Group, partitions}
	cs.open[s.ID] = c
	return c, nil
}

// leave leaves the group and closes the consumer, so that others get its partitions without waiting for a timeout.
func (cs *consumers) leave(id string, k *consumer) {
	cs.mu.Lock()
	delete(cs.open, id)
	cs.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	_ = k.LeaveGroupContext(ctx) // otherwise the session times out
	k.Close()
}

// find returns the open consumer with this id.
func (cs *consumers) find(id string) (*consumer, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if k := cs.open[id]; k != nil {
		return k, nil
	}
	return nil, restyffi.Errorf(restyffi.CodeUnloaded, "the consumer is closed")
}

// commit answers when the broker has stored the offsets.
func (cs *consumers) commit(ctx context.Context, _ *client, c *commitment) (any, error) {
	k, err := cs.find(c.ID)
	if err != nil {
		return nil, err
	}
	if k.group == "" {
		return nil, invalid("a consumer without a group has nowhere to commit to: keep the offsets yourself (option from)")
	}
	list := make([]*kgo.Record, len(c.Records))
	for i, r := range c.Records {
		list[i] = &kgo.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, LeaderEpoch: -1}
	}
	ctx, cancel := patience(ctx, k.reach)
	defer cancel()
	return nil, inTime(ctx, k.reach, coded(k.CommitRecords(ctx, list...)))
}

// consumerName names an open consumer.
type consumerName struct {
	ID string `msgpack:"id"`
}

// trouble fails with the reason why a consumer cannot use its brokers at present, if there is one.
func (cs *consumers) trouble(_ context.Context, _ *client, n *consumerName) (any, error) {
	k, err := cs.find(n.ID)
	if err != nil {
		return nil, err
	}
	return nil, k.reach.reason()
}
