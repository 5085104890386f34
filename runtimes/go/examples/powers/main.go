// A runtime that shows what a library can do besides answering: streams, deadlines, errors, the log, configuration and
// the shared dict.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

func init() { restyffi.Serve(setUp) }

func main() {}

func setUp(rt *restyffi.Runtime) error {
	// [config]
	var config struct {
		Greeting string `json:"greeting"`
	}
	config.Greeting = "Hello" // unless the configuration says something else
	if err := rt.DecodeConfig(&config); err != nil {
		return err
	}
	// [/config]

	rt.HandleStream("ticks", ticks)
	rt.HandleStream("upper", upper)
	rt.Handle("divide", divide)

	// [deadline]
	rt.Handle("slow", func(ctx context.Context, _ []byte) ([]byte, error) {
		if deadline, ok := ctx.Deadline(); ok {
			rt.Logger().Info("there is a deadline", "left", time.Until(deadline))
		}
		select {
		case <-time.After(10 * time.Second):
			return []byte("done"), nil
		case <-ctx.Done(): // the deadline has passed, or the caller has gone
			return nil, ctx.Err()
		}
	})
	// [/deadline]

	// [log]
	rt.Handle("hello", func(_ context.Context, name []byte) ([]byte, error) {
		rt.Logger().Info("hello " + string(name))
		return fmt.Appendf(nil, "%s %s", config.Greeting, name), nil
	})
	// [/log]

	// [dict]
	cache := rt.NamedDict("cache")
	rt.Handle("visits", func(ctx context.Context, name []byte) ([]byte, error) {
		n, err := cache.Incr(ctx, "visits:"+string(name), 1)
		return strconv.AppendInt(nil, n, 10), err
	})
	// [/dict]
	return nil
}

// [ticks]
func ticks(_ context.Context, s *restyffi.Stream) error {
	first, err := s.Recv()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(first))
	for i := 0; i < n && err == nil; i++ {
		err = s.Send(fmt.Appendf(nil, "tick %d", i))
	}
	return err
}

// [/ticks]

// [stream]
func upper(_ context.Context, s *restyffi.Stream) error {
	for {
		message, err := s.Recv()
		if err == io.EOF {
			return nil // the client has closed its direction
		}
		if err == nil {
			err = s.Send(bytes.ToUpper(message))
		}
		if err != nil {
			return err
		}
	}
}

// [/stream]

// [errors]
func divide(_ context.Context, request []byte) ([]byte, error) {
	var a, b int
	if _, err := fmt.Sscan(string(request), &a, &b); err != nil {
		return nil, err
	}
	if b == 0 {
		return nil, restyffi.Errorf(22, "division by zero")
	}
	return strconv.AppendInt(nil, int64(a/b), 10), nil
}

// [/errors]
