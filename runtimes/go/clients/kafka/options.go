package main

import (
	"crypto/tls"
	"crypto/x509"
	"math"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// options are those of kafka.lua, which has checked their names and types. Times are in seconds.
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

// tlsOptions has PEM texts.
type tlsOptions struct {
	CA         string `msgpack:"ca"`
	Cert       string `msgpack:"cert"`
	Key        string `msgpack:"key"`
	ServerName string `msgpack:"server_name"`
	Verify     *bool  `msgpack:"verify"`
}

type saslOptions struct {
	Mechanism string `msgpack:"mechanism"`
	User      string `msgpack:"user"`
	Password  string `msgpack:"password"`
	// Of OAUTHBEARER: the token, or the file that holds it, which is read for each connection.
	Token      string            `msgpack:"token"`
	TokenFile  string            `msgpack:"token_file"`
	Extensions map[string]string `msgpack:"extensions"`
	// Of GSSAPI.
	Realm   string `msgpack:"realm"`
	Keytab  string `msgpack:"keytab"`
	Service string `msgpack:"service"`
	Config  string `msgpack:"config"`
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// connection is what every connection needs, be it a producer's or a consumer's.
func (o *options) connection(rt *restyffi.Runtime, r *reach) ([]kgo.Opt, error) {
	if len(o.Brokers) == 0 {
		return nil, invalid("the options: \"brokers\" must be a list of at least one address")
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.WithLogger(logger{rt.Logger()}),
		kgo.MetadataMinAge(250 * time.Millisecond), // how soon a broker that came back is noticed
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
		secure = config
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

// client adds what a producer needs.
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
		return nil, invalid("the options: \"compression\" must be none, gzip, snappy, lz4 or zstd, not %q", o.Compression)
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

func (o *tlsOptions) config() (*tls.Config, error) {
	config := &tls.Config{ServerName: o.ServerName, InsecureSkipVerify: o.Verify != nil && !*o.Verify}
	if o.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(o.CA)) {
			return nil, invalid("the options: \"tls.ca\" holds no certificate in PEM form")
		}
	}
	if o.Cert != "" || o.Key != "" {
		certificate, err := tls.X509KeyPair([]byte(o.Cert), []byte(o.Key))
		if err != nil {
			return nil, invalid("the options: \"tls.cert\" and \"tls.key\": %v", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

func (o *saslOptions) mechanism(r *reach) (sasl.Mechanism, error) {
	if o.Mechanism != "OAUTHBEARER" && (o.Token != "" || o.TokenFile != "" || len(o.Extensions) > 0) {
		return nil, invalid("the options: \"sasl.token\", \"token_file\" and \"extensions\" are for the mechanism OAUTHBEARER")
	}
	if o.Mechanism != "GSSAPI" && (o.Realm != "" || o.Keytab != "" || o.Service != "" || o.Config != "") {
		return nil, invalid("the options: \"sasl.realm\", \"keytab\", \"service\" and \"config\" are for the mechanism GSSAPI")
	}
	switch o.Mechanism {
	case "", "PLAIN":
		return plain.Auth{User: o.User, Pass: o.Password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: o.User, Pass: o.Password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: o.User, Pass: o.Password}.AsSha512Mechanism(), nil
	case "OAUTHBEARER":
		return o.bearer()
	case "GSSAPI":
		return o.gssapi(r)
	}
	return nil, invalid("the options: \"sasl.mechanism\" must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI, "+
		"not %q", o.Mechanism)
}
