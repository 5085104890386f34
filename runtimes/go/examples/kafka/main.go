// A Kafka client for nginx: topics, producing and consuming in groups, in JSON.
package main

import (
	"context"
	"runtime"

	"github.com/twmb/franz-go/pkg/kgo"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

func init() { restyffi.Serve(setUp) }

func main() {}

func setUp(rt *restyffi.Runtime) error {
	runtime.GOMAXPROCS(1) // nginx has a worker for each processor
	var c config
	if err := rt.DecodeConfig(&c); err != nil {
		return err
	}
	options, err := c.producer()
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(options...) // connects with the first call, and again whenever it has to
	if err != nil {
		return err
	}
	context.AfterFunc(rt.Context(), client.Close)

	rt.Handle("create_topic", call(client, createTopic))
	rt.Handle("produce", call(client, produce))
	rt.HandleStream("consume", func(ctx context.Context, s *restyffi.Stream) error {
		return failure(consume(ctx, s, c.brokers(), rt.Logger()))
	})
	return nil
}
