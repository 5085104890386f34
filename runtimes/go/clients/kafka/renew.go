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

// delivery is a record that is being sent.
type delivery struct {
	ctx       context.Context
	record    *kgo.Record
	partition int32 // the requested partition
	done      func(error)
	number    int  // its place in the order of the topic's records
	again     bool // whether franz-go has got it twice
}

// renewals sends records, also to topics that were deleted and created again. franz-go identifies a topic by its id. When the
// topic is created again, franz-go fails all records for it until it is told to forget the topic.
type renewals struct {
	kgo      *kgo.Client
	mu       sync.Mutex
	topics   map[string]*renewal // the topics with records that are being sent
	renewing int                 // the number of topics that are being renewed
}

func newRenewals(k *kgo.Client) *renewals {
	return &renewals{kgo: k, topics: make(map[string]*renewal)}
}

// renewal is the state of a topic while records for it are being sent.
type renewal struct {
	next     int // the number of the next record
	inFlight int // records that franz-go has
	returned sync.Cond
	renewing bool
	queue    []*delivery // records that wait until the topic is renewed
}

// deliver hands a record to franz-go, and once more if the topic has to be renewed.
func (all *renewals) deliver(d *delivery) {
	all.mu.Lock()
	r := all.topics[d.record.Topic]
	if r == nil {
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
	all.hand(r, d)
}

func (all *renewals) hand(r *renewal, d *delivery) {
	all.kgo.TryProduce(d.ctx, d.record, func(k *kgo.Record, err error) {
		if !all.back(r, d, !d.again && d.ctx.Err() == nil && wantsRenewal(k, err)) {
			d.done(err)
		}
	})
}

// back notes that franz-go is done with a record, and queues the record if it is to be sent again.
func (all *renewals) back(r *renewal, d *delivery, again bool) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	r.inFlight--
	if again {
		d.again = true
		r.queue = append(r.queue, d)
		if !r.renewing {
			r.renewing = true
			all.renewing++
			go all.renew(d.record.Topic, r)
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

// wantsRenewal reports whether a record has failed because its topic was deleted, and perhaps created again.
func wantsRenewal(k *kgo.Record, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, kerr.UnknownTopicID), err.Error() == "topic purged while buffered":
		return true
	}
	// A record without a partition has waited for the topic already.
	return errors.Is(err, kerr.UnknownTopicOrPartition) && k.Partition != anyPartition
}

// renew makes franz-go forget a topic, which fails the records that franz-go has for it. It then hands these records over
// again, and after them those that have arrived since.
func (all *renewals) renew(topic string, r *renewal) {
	all.kgo.PurgeTopicsFromProducing(topic)
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
			all.hand(r, d)
		}
		all.mu.Lock()
	}
	r.renewing = false
	all.renewing--
	if r.inFlight == 0 {
		delete(all.topics, topic)
	}
}

// renewalPause is the pause between checks whether topics are still being renewed.
const renewalPause = 5 * time.Millisecond

// drain waits until all records have been sent or have failed.
func (all *renewals) drain(ctx context.Context) error {
	for {
		if err := all.kgo.Flush(ctx); err != nil {
			return err
		}
		all.mu.Lock()
		renewing := all.renewing > 0
		all.mu.Unlock()
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
