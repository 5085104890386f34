package main

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// record is a record to send. Timestamp is in milliseconds; 0 means now.
type record struct {
	Topic     string  `msgpack:"topic"`
	Partition *int32  `msgpack:"partition"`
	Key       *string `msgpack:"key"`
	Value     *string `msgpack:"value"`
	Headers   headers `msgpack:"headers"`
	Timestamp int64   `msgpack:"timestamp"`
}

// place is where a record was stored. The offset is -1 if the brokers do not acknowledge records (acks "0").
type place struct {
	Topic     string `msgpack:"topic"`
	Partition int32  `msgpack:"partition"`
	Offset    int64  `msgpack:"offset"`
}

// sent is the result for one of several records.
type sent struct {
	place
	Code    int    `msgpack:"code,omitempty"`
	Message string `msgpack:"message,omitempty"`
}

func (r *record) kafka() (*kgo.Record, error) {
	if r.Topic == "" {
		return nil, invalid("a record needs a \"topic\"")
	}
	k := &kgo.Record{Topic: r.Topic, Partition: anyPartition, Headers: r.Headers}
	if r.Partition != nil {
		if *r.Partition < 0 {
			return nil, invalid("\"partition\" must not be negative")
		}
		k.Partition = *r.Partition
	}
	if r.Key != nil {
		k.Key = []byte(*r.Key)
	}
	if r.Value != nil {
		k.Value = []byte(*r.Value)
	}
	if r.Timestamp != 0 {
		k.Timestamp = time.UnixMilli(r.Timestamp)
	}
	return k, nil
}

func kafkaRecords(records []record) ([]*kgo.Record, error) {
	list := make([]*kgo.Record, len(records))
	for i := range records {
		k, err := records[i].kafka()
		if err != nil {
			return nil, invalid("record %d: %v", i+1, err)
		}
		list[i] = k
	}
	return list, nil
}
