package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

type config struct {
	Address string    `json:"address"`
	TLS     *tlsFiles `json:"tls"` // nil: plain text
}

type tlsFiles struct {
	CA   string `json:"ca"`   // who signs servers; without it those that the system trusts
	Cert string `json:"cert"` // who we are
	Key  string `json:"key"`
	Host string `json:"host"` // the name in the server's certificate, if it is not that of the address
}

// retry is how often a server that is down is tried again: gRPC's own limit is two minutes.
var retry = backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second}

func (c *config) dialOptions() ([]grpc.DialOption, error) {
	if _, port, err := net.SplitHostPort(c.Address); err != nil || port == "" {
		return nil, fmt.Errorf(`"address" must be HOST:PORT, not %q`, c.Address)
	}
	transport := insecure.NewCredentials()
	if c.TLS != nil {
		settings, err := c.TLS.load()
		if err != nil {
			return nil, err
		}
		transport = credentials.NewTLS(settings)
	}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: 5 * time.Second}),
	}, nil
}

func (f *tlsFiles) load() (*tls.Config, error) {
	settings := &tls.Config{ServerName: f.Host}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf(`"tls.ca" cannot be read: %w`, err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf(`"tls.ca" is not a certificate in PEM: %s`, f.CA)
		}
	}
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New(`"tls.cert" and "tls.key" go together: give both or neither`)
	}
	if f.Cert != "" {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf(`"tls.cert" and "tls.key" cannot be used: %w`, err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}
