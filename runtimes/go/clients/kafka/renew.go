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
	kgo      *kgo.Client
	mu       sync.Mutex
	topics   map[string]*renewal // that have records on their way
	renewing int                 // how many of them are being renewed
}

func newRenewals(k *kgo.Client) *renewals {
	return &renewals{kgo: k, topics: make(map[string]*renewal)}
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

// back notes that franz-go has done with a record, and keeps it if it is to be handed over again.
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

// renewalPause is after what time it is looked again whether topics have been renewed.
const renewalPause = 5 * time.Millisecond

// drain waits until nothing is left to be sent.
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
