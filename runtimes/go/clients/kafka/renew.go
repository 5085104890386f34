package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// renewalPause is after what time it is looked again whether topics have been renewed.
const renewalPause = 5 * time.Millisecond

// delivery is a record on its way.
type delivery struct {
	ctx       context.Context
	record    *kgo.Record
	partition int32 // the one that was asked for
	done      func(error)
	renewed   int  // how often its topic had been renewed when the record was handed over
	again     bool // it was handed over once more
}

// renewals have topics that were deleted and made again written to. franz-go knows a topic by its id, and fails all records
// for it from then on, until it is told to forget the topic.
type renewals struct {
	mu    sync.RWMutex
	count map[string]int         // by topic
	queue map[string][]*delivery // what waits for a topic that is being renewed
}

// deliver hands a record over to franz-go, and once more if its topic has to be renewed first.
func (c *client) deliver(d *delivery) {
	r := &c.renewals
	r.mu.RLock()
	_, renewing := r.queue[d.record.Topic]
	d.renewed = r.count[d.record.Topic]
	r.mu.RUnlock()
	if renewing && c.line(d) {
		return
	}
	c.hand(d)
}

// drain waits until nothing is left to be sent.
func (c *client) drain(ctx context.Context) error {
	for {
		if err := c.Flush(ctx); err != nil {
			return err
		}
		c.renewals.mu.RLock()
		renewing := len(c.renewals.queue) > 0
		c.renewals.mu.RUnlock()
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

// line puts a record behind those that wait for its topic, unless none do any more.
func (c *client) line(d *delivery) bool {
	r := &c.renewals
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting, renewing := r.queue[d.record.Topic]
	if renewing {
		r.queue[d.record.Topic] = append(waiting, d)
	}
	return renewing
}

func (c *client) hand(d *delivery) {
	c.TryProduce(d.ctx, d.record, func(k *kgo.Record, err error) {
		if !d.again && d.ctx.Err() == nil && wantsRenewal(k, err) {
			d.again = true
			c.renew(d)
			return
		}
		d.done(err)
	})
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

// renew hands a record over once more when franz-go has forgotten the topic, and those that come meanwhile after it, so
// that their order is kept. It is called by franz-go's goroutine, which must not wait.
func (c *client) renew(d *delivery) {
	topic := d.record.Topic
	r := &c.renewals
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting, renewing := r.queue[topic]
	if r.queue == nil {
		r.queue, r.count = make(map[string][]*delivery), make(map[string]int)
	}
	r.queue[topic] = append(waiting, d)
	if renewing {
		return
	}
	forget := d.renewed == r.count[topic] // else that was done while the record was on its way
	if forget {
		r.count[topic]++
	}
	go func() {
		if forget {
			c.PurgeTopicsFromProducing(topic)
		}
		for {
			r.mu.Lock()
			waiting := r.queue[topic]
			if len(waiting) == 0 {
				delete(r.queue, topic)
				r.mu.Unlock()
				return
			}
			r.queue[topic] = nil
			count := r.count[topic]
			r.mu.Unlock()
			for _, d := range waiting {
				d.renewed = count
				d.record.Partition = d.partition
				c.hand(d)
			}
		}
	}()
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
