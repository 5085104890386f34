package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// options are the options of etcd.new, which resty.ffi.etcd has checked. Times are in seconds.
type options struct {
	pool.Options
	Endpoints        []string    `msgpack:"endpoints"`
	User             string      `msgpack:"user"`
	Password         string      `msgpack:"password"`
	TLS              *tlsOptions `msgpack:"tls"`
	Namespace        string      `msgpack:"namespace"`
	ConnectTimeout   float64     `msgpack:"connect_timeout"`
	Keepalive        float64     `msgpack:"keepalive"`
	KeepaliveTimeout float64     `msgpack:"keepalive_timeout"`
	AutoSyncInterval float64     `msgpack:"auto_sync_interval"`
	MaxSendBytes     int         `msgpack:"max_send_bytes"`
	MaxReceiveBytes  int         `msgpack:"max_receive_bytes"`
}

// tlsOptions have PEM texts, or paths of PEM files. Without a CA, those of the system are trusted.
type tlsOptions struct {
	CA         string `msgpack:"ca"`
	Cert       string `msgpack:"cert"`
	Key        string `msgpack:"key"`
	ServerName string `msgpack:"server_name"`
	Verify     *bool  `msgpack:"verify"`
}

const (
	usualConnectTimeout   = 5 * time.Second
	usualKeepalive        = 30 * time.Second
	usualKeepaliveTimeout = 10 * time.Second
	mostSeconds           = 2_000_000

	// window bounds how much of an answer or a watch is received ahead; the default of gRPC grows to 16 MB.
	window = 1 << 20
)

// reconnect lets a client notice within seconds that a server is back; the default pauses of gRPC grow to two minutes.
var reconnect = backoff.Config{
	BaseDelay:  100 * time.Millisecond,
	Multiplier: 1.6,
	Jitter:     0.2,
	MaxDelay:   2 * time.Second,
}

func seconds(value float64, usual time.Duration) time.Duration {
	if !(value > 0) {
		return usual
	}
	return time.Duration(min(value, mostSeconds) * float64(time.Second))
}

// config returns the configuration of the etcd client.
func (o *options) config() (clientv3.Config, error) {
	connectTimeout := seconds(o.ConnectTimeout, usualConnectTimeout)
	config := clientv3.Config{
		Endpoints:            o.Endpoints,
		AutoSyncInterval:     seconds(o.AutoSyncInterval, 0),
		DialTimeout:          connectTimeout,
		DialKeepAliveTime:    seconds(o.Keepalive, usualKeepalive),
		DialKeepAliveTimeout: seconds(o.KeepaliveTimeout, usualKeepaliveTimeout),
		MaxCallSendMsgSize:   o.MaxSendBytes,
		MaxCallRecvMsgSize:   o.MaxReceiveBytes,
		// Errors are returned to the caller, and not logged as well.
		Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: connectTimeout}),
			grpc.WithStaticStreamWindowSize(window),
			grpc.WithStaticConnWindowSize(window),
		},
	}
	err := o.check()
	if err == nil && o.TLS != nil {
		config.TLS, err = o.TLS.config()
	}
	if o.TLS != nil && o.TLS.ServerName != "" {
		// The etcd client derives a name from the address of each endpoint, which takes precedence over the TLS
		// configuration.
		config.DialOptions = append(config.DialOptions, grpc.WithAuthority(o.TLS.ServerName))
	}
	if err != nil {
		return config, restyffi.Errorf(restyffi.CodeBadArgument, "the options: %v", err)
	}
	return config, nil
}

// check refuses options that the etcd client would misinterpret.
func (o *options) check() error {
	if len(o.Endpoints) == 0 {
		return errors.New(`"endpoints" must be a list of at least one address such as "127.0.0.1:2379"`)
	}
	if (o.User == "") != (o.Password == "") {
		return errors.New(`"user" and "password" need each other`)
	}
	if o.MaxReceiveBytes > 0 && o.MaxReceiveBytes < o.MaxSendBytes {
		return errors.New(`"max_receive_bytes" must not be less than "max_send_bytes"`)
	}
	secure := o.TLS != nil || hasScheme(o.Endpoints[0], "https")
	for i, endpoint := range o.Endpoints {
		switch {
		case endpoint == "":
			return fmt.Errorf("endpoints[%d] is empty", i+1)
		case secure && hasScheme(endpoint, "http"):
			return fmt.Errorf(`endpoints[%d], %q, is without TLS, and one way serves all: write "https://"`, i+1, endpoint)
		case !secure && hasScheme(endpoint, "https"):
			return fmt.Errorf(`endpoints[%d], %q, is with TLS, and one way serves all: set "tls"`, i+1, endpoint)
		}
	}
	return nil
}

func hasScheme(endpoint, scheme string) bool {
	return strings.HasPrefix(strings.ToLower(endpoint), scheme+"://")
}

func (o *tlsOptions) config() (*tls.Config, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         o.ServerName,
		InsecureSkipVerify: o.Verify != nil && !*o.Verify,
	}
	if o.CA != "" {
		text, err := pem("ca", o.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New(`"tls.ca" has no certificate that can be read, as PEM`)
		}
	}
	if (o.Cert == "") != (o.Key == "") {
		return nil, errors.New(`"tls.cert" and "tls.key" need each other`)
	}
	if o.Cert == "" {
		return config, nil
	}
	cert, err := pem("cert", o.Cert)
	if err != nil {
		return nil, err
	}
	key, err := pem("key", o.Key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf(`"tls.cert" and "tls.key" are not a usable pair: %w`, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// pem returns the text itself, or the text of the file.
func pem(name, textOrPath string) ([]byte, error) {
	if strings.Contains(textOrPath, "-----BEGIN") {
		return []byte(textOrPath), nil
	}
	text, err := os.ReadFile(textOrPath)
	if err != nil {
		return nil, fmt.Errorf(`"tls.%s" is neither PEM nor a file that can be read: %w`, name, err)
	}
	return text, nil
}
