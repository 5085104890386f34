package main

import (
	"crypto/tls"
	"crypto/x509"
)

// tlsOptions has PEM texts.
type tlsOptions struct {
	CA         string `msgpack:"ca"`
	Cert       string `msgpack:"cert"`
	Key        string `msgpack:"key"`
	ServerName string `msgpack:"server_name"`
	Verify     *bool  `msgpack:"verify"`
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
