package main

import (
	"context"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/kerberos"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl"
)

// ticketTimeout bounds how long KDCs may take to issue a ticket.
const ticketTimeout = 10 * time.Second

type gssapiOptions struct {
	Realm   string `msgpack:"realm"`
	Keytab  string `msgpack:"keytab"`
	Service string `msgpack:"service"`
	Config  string `msgpack:"config"`
}

func (o *gssapiOptions) mechanism(user, password string, r *reach) (sasl.Mechanism, error) {
	switch {
	case user == "" || strings.Contains(user, "@"):
		return nil, invalid("the options: GSSAPI needs \"sasl.user\", a principal without its realm, which is \"sasl.realm\"")
	case (password == "") == (o.Keytab == ""):
		return nil, invalid("the options: GSSAPI needs one of \"sasl.password\" and \"sasl.keytab\"")
	}
	options := kerberos.Options{
		User: user, Realm: o.Realm, Password: password, Keytab: o.Keytab, Service: o.Service, Config: o.Config,
	}
	if options.Service == "" {
		options.Service = "kafka"
	}
	if options.Config == "" {
		options.Config = os.Getenv("KRB5_CONFIG")
	}
	if options.Config == "" {
		options.Config = "/etc/krb5.conf"
	}
	return &kerberized{kerberos.NewClient(options), r}, nil
}

// kerberized is the mechanism GSSAPI with Kerberos (RFC 4752, RFC 4121). That of franz-go needs the client of gokrb5, which
// package kerberos replaces.
type kerberized struct {
	client *kerberos.Client
	reach  *reach
}

func (k *kerberized) Name() string { return "GSSAPI" }

func (k *kerberized) Authenticate(ctx context.Context, address string) (session sasl.Session, token []byte, err error) {
	defer recovered(&err)
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, err
	}
	k.reach.waitsFor(address, "Kerberos: the KDC does not answer")
	defer k.reach.waitsFor(address, silent)
	limited, cancel := context.WithTimeout(ctx, ticketTimeout)
	defer cancel()
	ticket, err := k.client.Ticket(limited, host)
	var refused *kerberos.RefusedError
	switch {
	case errors.As(err, &refused):
		return nil, nil, fmt.Errorf("%w: %w", kerr.SaslAuthenticationFailed, err)
	case err != nil && ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case err != nil:
		// Not wrapped, because the broken connection of a KDC is not one of the broker.
		return nil, nil, fmt.Errorf("no Kerberos ticket: %v", err)
	}
	token, err = initialToken(ticket)
	return &kerberizedSession{k.client, ticket}, token, err
}

// initialToken returns the first token of a connection: the ticket, and the proof that it belongs to the client.
func initialToken(t *kerberos.Ticket) ([]byte, error) {
	proof, err := types.NewAuthenticator(t.Realm, t.Client)
	if err != nil {
		return nil, err
	}
	// The length of an empty channel binding, the binding, and no flags (RFC 4121, 4.1.1).
	proof.Cksum = types.Checksum{CksumType: chksumtype.GSSAPI, Checksum: append([]byte{16, 0, 0, 0}, make([]byte, 20)...)}
	request, err := messages.NewAPReq(t.Ticket, t.Key, proof)
	if err != nil {
		return nil, err
	}
	text, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	mechanism, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(asn1.RawValue{
		Class: asn1.ClassApplication, IsCompound: true, Bytes: append(append(mechanism, 1, 0), text...),
	})
}

type kerberizedSession struct {
	client *kerberos.Client
	ticket *kerberos.Ticket
}

// Challenge answers the broker, which sends the levels of protection that it offers; one of them must be "none".
func (s *kerberizedSession) Challenge(challenge []byte) (done bool, answer []byte, err error) {
	defer recovered(&err)
	var offer gssapi.WrapToken
	if err := offer.Unmarshal(challenge, true); err != nil {
		return false, nil, fmt.Errorf("its answer to a Kerberos ticket makes no sense: %w", err)
	}
	if ok, _ := offer.Verify(s.ticket.Key, keyusage.GSSAPI_ACCEPTOR_SEAL); !ok {
		return false, nil, errors.New("it cannot read the Kerberos ticket that it got: it is another service, or has another key")
	}
	if len(offer.Payload) != 4 || offer.Payload[0]&1 == 0 {
		return false, nil, errors.New("it wants Kerberos to protect what follows, which Kafka leaves to TLS")
	}
	token, err := gssapi.NewInitiatorWrapToken([]byte{1, 0, 0, 0}, s.ticket.Key)
	if err != nil {
		return false, nil, err
	}
	s.client.Accepted(s.ticket)
	answer, err = token.Marshal()
	return true, answer, err
}

// recovered turns a panic into an error: gokrb5 assumes that what a KDC or a broker sends is well-formed.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("a message of Kerberos makes no sense (%v)", p)
	}
}
