// Command kafka is libffi_kafka.so: what resty.ffi.kafka calls. packages/lua/lib/resty/ffi/kafka.lua has the other side.
package main

import (
	"context"
	"sync/atomic"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func init() { restyffi.Serve(setUp) }

func main() {}

// client is what the pool keeps: the connections that produce and administrate. Consumers have connections of their own.
type client struct {
	*kgo.Client
	admin        *kadm.Client
	options      *options
	reach        *reach
	renewals     renewals
	transactions *transactions
	// waiting is how many records are in the buffer. franz-go has a limit of its own, but says only later that a record
	// was beyond it.
	waiting atomic.Int64
}

// Close sends what is still to be sent, and ends the connections.
func (c *client) Close(ctx context.Context) {
	_ = c.drain(ctx) // what was not sent is reported to its callback by Close
	c.Client.Close()
	c.transactions.close()
}

func setUp(rt *restyffi.Runtime) error {
	idle := func(o *options) time.Duration { return o.Idle() }
	p := pool.New(rt, invalidRequest, idle, func(_ context.Context, o *options) (*client, error) {
		r := newReach(o)
		opts, err := o.client(rt, r)
		if err != nil {
			return nil, err
		}
		k, err := kgo.NewClient(opts...)
		if err != nil {
			return nil, invalid("the options: %v", err)
		}
		return &client{Client: k, admin: kadm.NewClient(k), options: o, reach: r, transactions: newTransactions()}, nil
	})
	consumers := newConsumers(rt)

	pool.Handle(p, "send", send)
	pool.Handle(p, "send_all", sendAll)
	pool.Handle(p, "enqueue", enqueue(rt))
	handle(p, "flush", flush)
	handle(p, "create_topic", createTopic)
	handle(p, "delete_topic", deleteTopic)
	handle(p, "topics", topics)
	handle(p, "offsets", offsets)
	pool.HandleStream(p, "consume", consumers.consume)
	pool.HandleStream(p, "transaction", transact(rt))
	pool.Handle(p, "commit", consumers.commit)
	pool.Handle(p, "trouble", consumers.trouble)
	return nil
}
