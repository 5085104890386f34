// Package identity shows the certificate of a TLS client to servers that ask for it, and remembers that a server has asked.
//
// With TLS 1.3, a server refuses a client after the client has completed the handshake. Its reset can overtake the alert with
// the reason, and the alert does not name the options to change.
package identity

import (
	"crypto/tls"
	"sync/atomic"
)

// An Identity is the certificate of a client, if it has one.
type Identity struct {
	certificates []tls.Certificate
	asked        atomic.Bool
}

// Of makes connections with config show its certificates through an Identity, which it returns.
func Of(config *tls.Config) *Identity {
	i := &Identity{certificates: config.Certificates}
	config.GetClientCertificate = i.choose
	return i
}

// choose chooses as crypto/tls does by default: the server gets no certificate that it does not accept.
func (i *Identity) choose(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	i.asked.Store(true)
	for k := range i.certificates {
		if asked.SupportsCertificate(&i.certificates[k]) == nil {
			return &i.certificates[k], nil
		}
	}
	return new(tls.Certificate), nil
}

// Hint returns a possible reason for a connection that a server has refused, to be appended to the error message. It is empty
// if no server has asked for a certificate, and for a nil Identity, which stands for a client without TLS.
func (i *Identity) Hint() string {
	switch {
	case i == nil || !i.asked.Load():
		return ""
	case len(i.certificates) == 0:
		return " (the server asked for a client certificate: options tls.cert and tls.key)"
	}
	return " (the server asked for a client certificate, and may not trust that of the option tls.cert)"
}
