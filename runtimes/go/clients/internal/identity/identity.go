// Package identity shows the certificate of a TLS client to the servers that ask for it, and remembers that one has asked.
//
// With TLS 1.3 a server refuses a client after the client's handshake has ended. Its reset can overtake the alert with the
// reason, and the alert does not name the options that are to be changed.
package identity

import (
	"crypto/tls"
	"sync/atomic"
)

// Identity is the certificate of a client, or that there is none.
type Identity struct {
	certificates []tls.Certificate
	asked        atomic.Bool
}

// Of makes the connections of a client show the certificates that config has, and returns their Identity.
func Of(config *tls.Config) *Identity {
	i := &Identity{certificates: config.Certificates}
	config.GetClientCertificate = i.choose
	return i
}

// choose chooses as crypto/tls does without it: the server gets no certificate that it says it does not accept.
func (i *Identity) choose(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	i.asked.Store(true)
	for k := range i.certificates {
		if asked.SupportsCertificate(&i.certificates[k]) == nil {
			return &i.certificates[k], nil
		}
	}
	return new(tls.Certificate), nil
}

// Hint returns what may be the reason when a server has refused a connection, for the end of an error message. It is empty
// if no server has asked for a certificate. A nil Identity is one of a client without TLS.
func (i *Identity) Hint() string {
	switch {
	case i == nil || !i.asked.Load():
		return ""
	case len(i.certificates) == 0:
		return " (the server asked for a client certificate: options tls.cert and tls.key)"
	}
	return " (the server asked for a client certificate, and may not trust that of the option tls.cert)"
}
