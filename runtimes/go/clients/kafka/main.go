// Command kafka is libffi_kafka.so, which resty.ffi.kafka calls (packages/lua/lib/resty/ffi/kafka.lua).
package main

import (
	"context"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
)

func init() { restyffi.Serve(setUp) }

func main() {}

func setUp(rt *restyffi.Runtime) error {
	idle := func(o *options) time.Duration { return o.Idle() }
	p := pool.New(rt, invalidRequest, idle, func(_ context.Context, o *options) (*client, error) { return newClient(rt, o) })
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
	pool.HandleStream(p, "transaction", func(ctx context.Context, c *client, _ *step, s *pool.Stream) error {
		return c.transactions.run(ctx, s)
	})
	pool.Handle(p, "commit", consumers.commit)
	pool.Handle(p, "trouble", consumers.trouble)
	return nil
}
