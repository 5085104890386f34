package main

import (
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	"github.com/twmb/franz-go/pkg/kgo"
)

// maxRecords and maxBytes bound a message of a consumer's stream. A message with many records costs less than many messages.
const (
	maxRecords = 256
	maxBytes   = 64 << 10
)

// received is a record, encoded as a list: topic, partition, offset, timestamp in milliseconds, key, value, headers.
type received struct {
	//lint:ignore U1000 the encoder reads the tag
	_msgpack  struct{} `msgpack:",as_array"`
	Topic     string
	Partition int32
	Offset    int64
	Timestamp int64
	Key       *string
	Value     *string
	Headers   headers
}

func forward(stream *pool.Stream, fetches kgo.Fetches) error {
	var batch []received
	bytes := 0
	for i := fetches.RecordIter(); !i.Done(); {
		r := i.Next()
		batch = append(batch, receivedFrom(r))
		bytes += len(r.Key) + len(r.Value) + 64
		for _, h := range r.Headers {
			bytes += len(h.Key) + len(h.Value) + 8
		}
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
	return received{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(),
		Key: text(r.Key), Value: text(r.Value), Headers: r.Headers,
	}
}

// text returns nil for a key or value that is missing, which is not the same as an empty one.
func text(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}
