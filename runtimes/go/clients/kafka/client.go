package main

import (
	"context"
	"sync/atomic"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// client is what the pool keeps: the connections that produce and administrate. Consumers have connections of their own.
type client struct {
	*kgo.Client
	admin        *kadm.Client
	options      *options
	reach        *reach
	renewals     *renewals
	transactions *transactions
	// waiting is how many records are in the buffer. franz-go has a limit of its own, but says only later that a record
	// was beyond it.
	waiting atomic.Int64
}

func newClient(rt *restyffi.Runtime, o *options) (*client, error) {
	r := newReach(o.dialer(), o.refusal())
	opts, err := o.client(rt, r)
	if err != nil {
		return nil, err
	}
	k, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, invalid("the options: %v", err)
	}
	return &client{Client: k, admin: kadm.NewClient(k), options: o, reach: r, renewals: newRenewals(k),
		transactions: newTransactions(rt, o)}, nil
}

// Close sends what is still to be sent, and ends the connections.
func (c *client) Close(ctx context.Context) {
	_ = c.renewals.drain(ctx) // what was not sent is reported to its callback by Close
	c.Client.Close()
	c.transactions.close()
}

// handle serves calls of a method. One that waits until its deadline ends with what keeps it waiting, if that is known.
func handle[B, A any](p *pool.Pool[options, *client], method string,
	f func(context.Context, *client, *B) (A, error)) {
	pool.Handle(p, method, func(ctx context.Context, c *client, body *B) (A, error) {
		ctx, cancel := patience(ctx, c.reach)
		defer cancel()
		answer, err := f(ctx, c, body)
		return answer, inTime(ctx, c.reach, err)
	})
}
