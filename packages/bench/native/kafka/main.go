// Command kafka produces to a topic, or consumes from it, by franz-go, as resty.ffi.kafka does for Lua.
package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/resty-ffi/resty-ffi/packages/bench/native/load"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	consume := flag.Bool("consume", false, "consume instead of produce")
	fill := flag.Int("fill", 0, "produce this many records and measure nothing")
	s := load.Parse()
	opts := []kgo.Opt{kgo.SeedBrokers(s.Address), kgo.AllowAutoTopicCreation()}
	if *consume {
		group := fmt.Sprintf("native %d", time.Now().UnixNano())
		opts = append(opts, kgo.ConsumeTopics(s.Topic), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		load.Fail(err)
	}
	defer client.Close()
	switch {
	case *fill > 0:
		fillUp(client, s, *fill)
	case *consume:
		load.Run(s, receive(client))
	default:
		load.Run(s, send(client, s))
	}
}

func fillUp(client *kgo.Client, s load.Settings, n int) {
	value := []byte(strings.Repeat("x", s.Bytes))
	for range n {
		client.Produce(context.Background(), &kgo.Record{Topic: s.Topic, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				load.Fail(err)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		load.Fail(err)
	}
}

func send(client *kgo.Client, s load.Settings) func() error {
	value := []byte(strings.Repeat("x", s.Bytes))
	return func() error {
		return client.ProduceSync(context.Background(), &kgo.Record{Topic: s.Topic, Value: value}).FirstErr()
	}
}

// receive takes one record of a topic with one partition after the other; only one goroutine may call it.
func receive(client *kgo.Client) func() error {
	var waiting []*kgo.Record
	var end, last int64
	next := func() error {
		for len(waiting) == 0 {
			if last > 0 && last+1 == end {
				return load.ErrEnd
			}
			fetches := client.PollFetches(context.Background())
			if err := fetches.Err(); err != nil {
				return err
			}
			fetches.EachPartition(func(p kgo.FetchTopicPartition) { end = p.HighWatermark })
			waiting = fetches.Records()
		}
		last = waiting[0].Offset
		waiting = waiting[1:]
		return nil
	}
	if err := next(); err != nil { // the group has been joined
		load.Fail(err)
	}
	return next
}
