package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// delivery is a record on its way.
type delivery struct {
	ctx       context.Context
	record    *kgo.Record
	partition int32 // the one that was asked for
	done      func(error)
	number    int  // of its topic: the order in which records were handed over
	again     bool // it was handed over once more
}

// renewals have topics that were deleted and made again written to. franz-go knows a topic by its id, and fails all records
// for it from then on, until it is told to forget the topic.
type renewals struct {
	mu       sync.Mutex
	topics   map[string]*renewal // that have records on their way
	renewing int                 // how many of them are being renewed
}

// renewal is what is known of a topic as long as records for it are on their way.
type renewal struct {
	next     int // the number of the next record
	inFlight int // records that franz-go has
	returned sync.Cond
	renewing bool
	queue    []*delivery // records that wait until the topic is renewed
}

// deliver hands a record over to franz-go, and once more if its topic has to be renewed first.
func (c *client) deliver(d *delivery) {
	all := &c.renewals
	all.mu.Lock()
	r := all.topics[d.record.Topic]
	if r == nil {
		if all.topics == nil {
			all.topics = make(map[string]*renewal)
		}
		r = &renewal{returned: sync.Cond{L: &all.mu}}
		all.topics[d.record.Topic] = r
	}
	d.number = r.next
	r.next++
	if r.renewing {
		r.queue = append(r.queue, d)
		all.mu.Unlock()
		return
	}
	r.inFlight++
	all.mu.Unlock()
	c.hand(r, d)
}

func (c *client) hand(r *renewal, d *delivery) {
	c.TryProduce(d.ctx, d.record, func(k *kgo.Record, err error) {
		if !c.back(r, d, !d.again && d.ctx.Err() == nil && wantsRenewal(k, err)) {
			d.done(err)
		}
	})
}

// back notes that franz-go has done with a record, and keeps it if it is to be handed over again.
func (c *client) back(r *renewal, d *delivery, again bool) bool {
	all := &c.renewals
	all.mu.Lock()
	defer all.mu.Unlock()
	r.inFlight--
	if again {
		d.again = true
		r.queue = append(r.queue, d)
		if !r.renewing {
			r.renewing = true
			all.renewing++
			go c.renew(d.record.Topic, r)
		}
	}
	if r.inFlight == 0 {
		r.returned.Broadcast()
		if !r.renewing {
			delete(all.topics, d.record.Topic)
		}
	}
	return again
}

// wantsRenewal reports whether a record has failed because its topic is another one now, or is gone.
func wantsRenewal(k *kgo.Record, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, kerr.UnknownTopicID), err.Error() == "topic purged while buffered":
		return true
	}
	// One that never got a partition has waited for the topic already.
	return errors.Is(err, kerr.UnknownTopicOrPartition) && k.Partition != anyPartition
}

// renew has franz-go forget a topic, which fails what it has of it, and hands all of that over once more, and then what has
// come meanwhile.
func (c *client) renew(topic string, r *renewal) {
	c.PurgeTopicsFromProducing(topic)
	all := &c.renewals
	all.mu.Lock()
	defer all.mu.Unlock()
	for r.inFlight > 0 {
		r.returned.Wait()
	}
	for len(r.queue) > 0 {
		queue := r.queue
		slices.SortFunc(queue, func(a, b *delivery) int { return a.number - b.number })
		r.queue = nil
		r.inFlight += len(queue)
		all.mu.Unlock()
		for _, d := range queue {
			d.record.Partition = d.partition
			c.hand(r, d)
		}
		all.mu.Lock()
	}
	r.renewing = false
	all.renewing--
	if r.inFlight == 0 {
		delete(all.topics, topic)
	}
}

// renewalPause is after what time it is looked again whether topics have been renewed.
const renewalPause = 5 * time.Millisecond

// drain waits until nothing is left to be sent.
func (c *client) drain(ctx context.Context) error {
	for {
		if err := c.Flush(ctx); err != nil {
			return err
		}
		c.renewals.mu.Lock()
		renewing := c.renewals.renewing > 0
		c.renewals.mu.Unlock()
		if !renewing {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(renewalPause):
		}
	}
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
