// Package certificate makes certificates for tests.
package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// Certificate is a self-signed certificate for 127.0.0.1, for a server or a client.
type Certificate struct {
	tls.Certificate
	PEM string
	Key string // PEM, too
}

// New makes a certificate with a key of its own.
func New(t testing.TB) *Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	return &Certificate{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, text("CERTIFICATE", der),
		text("PRIVATE KEY", private)}
}

// Pool returns a pool that trusts this certificate.
func (c *Certificate) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(c.PEM))
	return pool
}

// Demanding returns the configuration of a server with this certificate that accepts only clients with the same certificate.
func (c *Certificate) Demanding() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{c.Certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: c.Pool(),
	}
}

// Resetting starts a server that asks for a certificate and resets each connection after the handshake, without an alert. A
// client sees the same when the reset of a server overtakes its alert. Resetting returns the address.
func (c *Certificate) Resetting(t testing.TB, protocols ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	config := &tls.Config{
		Certificates: []tls.Certificate{c.Certificate}, ClientAuth: tls.RequestClientCert, NextProtos: protocols,
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go reset(conn.(*net.TCPConn), config)
		}
	}()
	return listener.Addr().String()
}

func reset(conn *net.TCPConn, config *tls.Config) {
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	_ = tls.Server(conn, config).Handshake()
	_ = conn.SetLinger(0)
	_ = conn.Close()
}
