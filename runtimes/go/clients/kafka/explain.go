package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/twmb/franz-go/pkg/kerr"
)

// explained returns the error of a broker that cannot be used, with its code and a hint. refusal is why a broker may close a
// connection, identity the hint about the client's certificate.
func explained(address string, err error, refusal, identity string) error {
	code, hint := unreachable, ""
	var known *kerr.Error
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &known):
		code = int(known.Code)
		switch known {
		case kerr.UnsupportedSaslMechanism:
			hint = "; the broker has other mechanisms (option sasl.mechanism)"
		case kerr.IllegalSaslState:
			hint = "; this listener of the broker seems to have no SASL (option sasl)"
		}
	case errors.As(err, &certificate), errors.As(err, &alert):
		code = clientFailed
	case errors.As(err, &op) && op.Op == "remote error":
		code, hint = codeOfConnection(err), identity
	case errors.As(err, &record):
		code, hint = clientFailed, "; this listener of the broker seems to have no TLS (option tls)"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE):
		return restyffi.Errorf(code, "broker %s: it closed the connection%s; %s", address, identity, refusal)
	}
	return restyffi.Errorf(code, "broker %s: %s%s", address, strings.TrimPrefix(err.Error(), "unable to dial: "), hint)
}
