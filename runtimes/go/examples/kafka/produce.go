package main

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
)

type produceRequest struct {
	Topic     string            `json:"topic"`
	Value     *string           `json:"value"`
	Key       *string           `json:"key"`
	Headers   map[string]string `json:"headers"`
	Partition *int32            `json:"partition"`
}

func (r produceRequest) record() (*kgo.Record, error) {
	switch {
	case r.Topic == "":
		return nil, missing("topic")
	case r.Value == nil:
		return nil, missing("value")
	case r.Partition != nil && *r.Partition < 0:
		return nil, invalid(`"partition" must not be negative, but is %d`, *r.Partition)
	}
	record := &kgo.Record{Topic: r.Topic, Value: []byte(*r.Value), Partition: noPartition}
	if r.Key != nil {
		record.Key = []byte(*r.Key)
	}
	if r.Partition != nil {
		record.Partition = *r.Partition
	}
	for name, value := range r.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return record, nil
}

// A position is where a record is.
type position struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// produce waits until the brokers have the record. The client makes batches of records of calls that run at one time.
func produce(ctx context.Context, client *kgo.Client, r produceRequest) (any, error) {
	record, err := r.record()
	if err != nil {
		return nil, err
	}
	for {
		produced, err := deliver(ctx, client, *record)
		// When the caller of a batch's first record goes away, the whole batch fails. The other records are sent again.
		if ctx.Err() == nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p := position{produced.Topic, produced.Partition, produced.Offset}
		if client.OptValue(kgo.RequiredAcks) == kgo.NoAck() {
			p.Offset = -1 // nobody has said where it is
		}
		return p, nil
	}
}

// deliver returns when ctx is done, even if the client has to wait longer: once a record is on its way, only a broker
// knows what became of it.
func deliver(ctx context.Context, client *kgo.Client, record kgo.Record) (*kgo.Record, error) {
	done := make(chan error, 1)
	client.Produce(ctx, &record, func(_ *kgo.Record, err error) { done <- err })
	select {
	case err := <-done:
		return &record, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
