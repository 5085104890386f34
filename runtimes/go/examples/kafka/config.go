package main

import (
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type config struct {
	Brokers     []string `json:"brokers"`
	Acks        string   `json:"acks"`
	Compression string   `json:"compression"`
	LingerMS    int      `json:"linger_ms"`
}

var compressions = map[string]kgo.CompressionCodec{
	"":       kgo.NoCompression(),
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

// brokers is what every client needs.
func (c *config) brokers() []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.DisableClientMetrics(),
		// A topic that was made just now, or a broker that is back, is found after this time, not after five seconds.
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.RetryBackoffFn(backoff),
	}
}

func backoff(failures int) time.Duration {
	return min(100*time.Millisecond<<min(failures, 5), 2*time.Second)
}

func (c *config) producer() ([]kgo.Opt, error) {
	if len(c.Brokers) == 0 {
		return nil, fmt.Errorf(`"brokers" must name at least one HOST:PORT`)
	}
	for _, b := range c.Brokers {
		if _, port, err := net.SplitHostPort(b); err != nil || port == "" {
			return nil, fmt.Errorf(`"brokers" must be HOST:PORT each, not %q`, b)
		}
	}
	codec, ok := compressions[c.Compression]
	if !ok {
		return nil, fmt.Errorf(`"compression" must be one of none, gzip, snappy, lz4 and zstd, not %q`, c.Compression)
	}
	if c.LingerMS < 0 {
		return nil, fmt.Errorf(`"linger_ms" must not be negative, but is %d`, c.LingerMS)
	}
	options := append(c.brokers(),
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerLinger(time.Duration(c.LingerMS)*time.Millisecond),
		kgo.RecordPartitioner(partitioner{kgo.UniformBytesPartitioner(64<<10, true, true, nil)}),
		kgo.UnknownTopicRetries(2),
	)
	switch c.Acks {
	case "", "all": // with idempotent writes: a batch that is sent again is stored once
	case "1":
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "0":
		options = append(options, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	default:
		return nil, fmt.Errorf(`"acks" must be "all", "1" or "0", not %q`, c.Acks)
	}
	return options, nil
}
