package main

import (
	"context"
	"sync"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// produce puts a record into the buffer. A goroutine of franz-go calls done once, unless produce returns an error.
//
// The record does not get the context of the call: when a context is done, franz-go fails all records that wait for the same
// partition, so the timeout of one caller would be the error of another. When a caller gives up, its record is still sent.
// kgo.RecordDeliveryTimeout is not used either, because it counts from the timestamp of the record, which may be old.
func (c *client) produce(k *kgo.Record, done func(*kgo.Record, error)) error {
	if c.options.TransactionalID != "" {
		return invalid("a producer with the option \"transactional_id\" sends in transactions only")
	}
	if c.waiting.Add(1) > c.options.maxBuffered() {
		c.waiting.Add(-1)
		return because(errFull, c.reach)
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.options.deliveryTimeout())
	c.renewals.deliver(&delivery{ctx: ctx, record: k, partition: k.Partition, done: func(err error) {
		if err != nil && ctx.Err() != nil {
			err = because(errNotDelivered, c.reach)
		}
		cancel()
		c.waiting.Add(-1)
		done(k, err)
	}})
	return nil
}

// send answers when the brokers have stored the record.
func send(ctx context.Context, c *client, r *record) (place, error) {
	k, err := r.kafka()
	if err != nil {
		return place{}, err
	}
	done := make(chan error, 1)
	if err := c.produce(k, func(_ *kgo.Record, err error) { done <- err }); err != nil {
		return place{}, err
	}
	failure, err := await(ctx, c.reach, done)
	if err != nil {
		return place{}, err
	} else if failure != nil {
		return place{}, coded(failure)
	}
	return c.placeOf(k), nil
}

func (c *client) placeOf(k *kgo.Record) place {
	if c.options.Acks == "0" {
		return place{k.Topic, k.Partition, -1}
	}
	return place{k.Topic, k.Partition, k.Offset}
}

type records struct {
	Records []record `msgpack:"records"`
}

// sendAll answers when each record is stored or has failed.
func sendAll(ctx context.Context, c *client, r *records) ([]sent, error) {
	list, err := kafkaRecords(r.Records)
	if err != nil {
		return nil, err
	}
	results := make(chan []sent, 1)
	go func() { results <- c.produceAll(list) }()
	return await(ctx, c.reach, results)
}

func (c *client) produceAll(list []*kgo.Record) []sent {
	results := make([]sent, len(list))
	var wait sync.WaitGroup
	wait.Add(len(list))
	for i, k := range list {
		done := func(k *kgo.Record, err error) {
			results[i].place = c.placeOf(k)
			if err != nil {
				results[i].Code, results[i].Message = codeOf(err)
			}
			wait.Done()
		}
		if err := c.produce(k, done); err != nil {
			done(k, err)
		}
	}
	wait.Wait()
	return results
}

// enqueue answers when the record is in the producer's buffer. A later failure is logged.
func enqueue(rt *restyffi.Runtime) func(context.Context, *client, *record) (any, error) {
	return func(_ context.Context, c *client, r *record) (any, error) {
		k, err := r.kafka()
		if err != nil {
			return nil, err
		}
		return nil, c.produce(k, func(k *kgo.Record, err error) {
			if err != nil {
				rt.Logger().Error("kafka: a record that was enqueued is lost", "topic", k.Topic, "error", err)
			}
		})
	}
}

// flush answers when the producer's buffer is empty.
func flush(ctx context.Context, c *client, _ *struct{}) (any, error) {
	return nil, coded(c.renewals.drain(ctx))
}
