package main

import (
	"crypto/tls"
	"math"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/identity"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	"github.com/twmb/franz-go/pkg/kgo"
)

// options are the options of resty.ffi.kafka, which has checked their names and types. Times are in seconds.
type options struct {
	pool.Options
	Brokers        []string     `msgpack:"brokers"`
	ClientID       string       `msgpack:"client_id"`
	TLS            *tlsOptions  `msgpack:"tls"`
	SASL           *saslOptions `msgpack:"sasl"`
	RequestTimeout float64      `msgpack:"request_timeout"`
	MetadataMaxAge float64      `msgpack:"metadata_max_age"`

	ConnectTimeout   float64 `msgpack:"connect_timeout"`
	Keepalive        float64 `msgpack:"keepalive"`
	KeepaliveTimeout float64 `msgpack:"keepalive_timeout"`

	Acks            string  `msgpack:"acks"`
	Compression     string  `msgpack:"compression"`
	Linger          float64 `msgpack:"linger"`
	MaxMessageBytes int32   `msgpack:"max_message_bytes"`
	MaxBuffered     int     `msgpack:"max_buffered"`
	DeliveryTimeout float64 `msgpack:"delivery_timeout"`
	AutoCreate      bool    `msgpack:"auto_create"`

	TransactionalID    string  `msgpack:"transactional_id"`
	TransactionTimeout float64 `msgpack:"transaction_timeout"`
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// connection returns the options that producers and consumers share.
func (o *options) connection(rt *restyffi.Runtime, r *reach) ([]kgo.Opt, error) {
	if len(o.Brokers) == 0 {
		return nil, invalid("the options: \"brokers\" must be a list of at least one address")
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.WithLogger(logger{rt.Logger()}),
		kgo.MetadataMinAge(250 * time.Millisecond), // so that a broker that is back is noticed soon
		kgo.RetryBackoffFn(func(tries int) time.Duration { return min(50*time.Millisecond<<min(tries, 5), time.Second) }),
	}
	if o.ClientID != "" {
		opts = append(opts, kgo.ClientID(o.ClientID))
	}
	if o.RequestTimeout > 0 {
		opts = append(opts, kgo.RetryTimeout(seconds(o.RequestTimeout)))
	}
	age := time.Minute
	if o.MetadataMaxAge > 0 {
		age = max(time.Second, seconds(o.MetadataMaxAge))
	}
	opts = append(opts, kgo.MetadataMaxAge(age))
	if o.AutoCreate {
		opts = append(opts, kgo.AllowAutoTopicCreation())
	}
	var secure *tls.Config
	if o.TLS != nil {
		config, err := o.TLS.config()
		if err != nil {
			return nil, err
		}
		secure, r.identity = config, identity.Of(config)
	}
	opts = append(opts, kgo.Dialer(r.dialer(secure)), kgo.WithHooks(r))
	if o.SASL != nil {
		mechanism, err := o.SASL.mechanism(r)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

// client returns the options of a producer.
func (o *options) client(rt *restyffi.Runtime, r *reach) ([]kgo.Opt, error) {
	opts, err := o.connection(rt, r)
	if err != nil {
		return nil, err
	}
	switch o.Acks {
	case "", "all":
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	default:
		return nil, invalid("the options: \"acks\" must be \"all\", \"1\" or \"0\", not %q", o.Acks)
	}
	codecs := map[string]kgo.CompressionCodec{
		"": kgo.NoCompression(), "none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	codec, ok := codecs[o.Compression]
	if !ok {
		return nil, invalid("the options: \"compression\" must be one of none, gzip, snappy, lz4 and zstd, not %q", o.Compression)
	}
	opts = append(opts, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(seconds(o.Linger)),
		kgo.RecordPartitioner(newPartitioner()))
	if o.MaxMessageBytes > 0 {
		opts = append(opts, kgo.ProducerBatchMaxBytes(o.MaxMessageBytes))
	}
	// See client.waiting.
	return append(opts, kgo.MaxBufferedRecords(math.MaxInt)), nil
}

func (o *options) maxBuffered() int64 {
	if o.MaxBuffered > 0 {
		return int64(o.MaxBuffered)
	}
	return 10000
}

func (o *options) deliveryTimeout() time.Duration {
	if o.DeliveryTimeout > 0 {
		return seconds(o.DeliveryTimeout)
	}
	return 2 * time.Minute
}

// refusal returns why a broker may close the client's connections.
func (o *options) refusal() string {
	switch {
	case o.SASL != nil && o.TLS != nil:
		return "user, password or certificate may be wrong, or it has no TLS (options sasl, tls)"
	case o.SASL != nil:
		return "user or password may be wrong, or it has no SASL or wants TLS (options sasl, tls)"
	case o.TLS != nil:
		return "it may want SASL or another certificate, or have no TLS (options sasl, tls)"
	}
	return "it may want SASL or TLS (options sasl, tls)"
}
