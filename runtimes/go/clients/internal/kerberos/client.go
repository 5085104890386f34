// Package kerberos gets tickets for a service from the KDCs of a realm (RFC 4120), over TCP.
//
// The messages and the cryptography come from gokrb5. The client of gokrb5 is not used: it cannot be interrupted, trusts every
// length that a KDC sends, and renews tickets on goroutines whose panics cannot be recovered.
package kerberos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/types"
)

// A Client gets tickets and keeps them as long as they are valid. Its methods are safe for concurrent use.
type Client struct {
	options Options

	turn     chan struct{} // a lock that can be waited for with a context: for asking KDCs, and for the fields below
	granting *Ticket
	config   *config.Config // the configuration used for granting

	mu       sync.Mutex
	accepted map[string]*Ticket // by host
}

// NewClient makes a client. It reads no file and opens no connection.
func NewClient(options Options) *Client {
	return &Client{options: options, turn: make(chan struct{}, 1), accepted: make(map[string]*Ticket)}
}

// Ticket returns a ticket for the service on a host. A ticket is reused only after a call of Accepted, so a ticket that the
// service refuses, because its key has changed, is not used again.
func (c *Client) Ticket(ctx context.Context, host string) (*Ticket, error) {
	host = strings.ToLower(host)
	if kept := c.kept(host); kept.good() {
		return kept, nil
	}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("the KDC has not answered another connection yet: %w", context.Cause(ctx))
	}
	defer func() { <-c.turn }()
	fresh := !c.granting.good()
	if fresh {
		if err := c.logIn(ctx); err != nil {
			return nil, err
		}
	}
	ticket, err := forService(ctx, c.config, c.granting, c.options.Service, host)
	var refused *RefusedError
	if !fresh && errors.As(err, &refused) {
		// The KDC may have refused the granting ticket.
		if err := c.logIn(ctx); err != nil {
			return nil, err
		}
		ticket, err = forService(ctx, c.config, c.granting, c.options.Service, host)
	}
	return ticket, err
}

// kept removes and returns the ticket that a host has accepted, or nil if the client has no such ticket.
func (c *Client) kept(host string) *Ticket {
	c.mu.Lock()
	defer c.mu.Unlock()
	ticket := c.accepted[host]
	delete(c.accepted, host)
	return ticket
}

// Accepted keeps a ticket that a service has accepted for the next connection.
func (c *Client) Accepted(t *Ticket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepted[t.host] = t
}

func (c *Client) logIn(ctx context.Context) error {
	c.granting = nil
	text, err := readFile("sasl.config", c.options.Config)
	if err != nil {
		return err
	}
	c.config, err = config.NewFromString(string(text))
	var ignored config.UnsupportedDirective
	if err != nil && !errors.As(err, &ignored) {
		return fmt.Errorf("the option sasl.config: %q: %w", c.options.Config, err)
	}
	realm := c.options.Realm
	if realm == "" {
		realm = c.config.LibDefaults.DefaultRealm
	}
	if realm == "" {
		return fmt.Errorf("the option sasl.realm is missing, and %q has no default_realm", c.options.Config)
	}
	client := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, c.options.User)
	secret, err := c.options.secret(client, realm)
	if err != nil {
		return err
	}
	c.granting, err = authenticate(ctx, c.config, client, realm, secret)
	return err
}
