// Package certificates makes what TLS needs: an authority with certificates for a server and a client, and one that
// nobody trusts, with a client's certificate.
package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const validity = 30 * 24 * time.Hour

// Ensure writes the PEM files to the folder, unless they are there.
func Ensure(folder string) error {
	if _, err := os.Stat(filepath.Join(folder, "wrong-client.pem")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "server"},
		DNSNames:    []string{"localhost", "example.test"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	ca, err := newAuthority(folder, "ca")
	if err != nil {
		return err
	}
	if err := ca.issue(folder, "server", server); err != nil {
		return err
	}
	if err := ca.issue(folder, "client", client()); err != nil {
		return err
	}
	wrong, err := newAuthority(folder, "wrong-ca")
	if err != nil {
		return err
	}
	return wrong.issue(folder, "wrong-client", client())
}

// Config is for a server with the certificate of the folder; mutual asks clients for one of the same authority.
func Config(folder string, mutual bool) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "server.pem"), filepath.Join(folder, "server.key"))
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if !mutual {
		return config, nil
	}
	ca, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil {
		return nil, err
	}
	config.ClientCAs = x509.NewCertPool()
	config.ClientCAs.AppendCertsFromPEM(ca)
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config, nil
}

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func client() *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: "client"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// newAuthority keeps its key to itself, and only its certificate in the folder.
func newAuthority(folder, name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := dated(&x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	})
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{certificate, key}, writePEM(folder, name+".pem", "CERTIFICATE", der)
}

func (a *authority) issue(folder, name string, template *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, dated(template), a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(folder, name+".key", "PRIVATE KEY", secret); err != nil {
		return err
	}
	return writePEM(folder, name+".pem", "CERTIFICATE", der)
}

func dated(template *x509.Certificate) *x509.Certificate {
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(validity)
	return template
}

func writePEM(folder, name, kind string, der []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return os.WriteFile(filepath.Join(folder, name), text, 0o600)
}
