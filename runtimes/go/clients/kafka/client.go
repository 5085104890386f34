package main

import (
	"context"
	"sync/atomic"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// client is a client of the pool. Its connections are for producing and administration; consumers have their own.
type client struct {
	*kgo.Client
	admin        *kadm.Client
	options      *options
	reach        *reach
	renewals     *renewals
	transactions *transactions
	// waiting is the number of records in the buffer. franz-go has a limit, too, but reports a record above the limit too
	// late.
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

// Close sends the records that wait, and ends the connections.
func (c *client) Close(ctx context.Context) {
	_ = c.renewals.drain(ctx) // Client.Close fails the records that are not sent in time
	c.Client.Close()
	c.transactions.close()
}

// handle serves the calls of a method. A call that waits until its deadline ends with the reason for waiting, if it is known.
func handle[B, A any](p *pool.Pool[options, *client], method string,
	f func(context.Context, *client, *B) (A, error)) {
	pool.Handle(p, method, func(ctx context.Context, c *client, body *B) (A, error) {
		ctx, cancel := patience(ctx, c.reach)
		defer cancel()
		answer, err := f(ctx, c, body)
		return answer, inTime(ctx, c.reach, err)
	})
}
