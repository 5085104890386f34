package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// streams registers the methods that carry streams. Those that are cancelled before their end count as cancellations.
func streams(rt *restyffi.Runtime, cancellations *atomic.Int64) {
	var running atomic.Int64
	handle := func(method string, handler restyffi.StreamHandler) {
		rt.HandleStream(method, func(ctx context.Context, s *restyffi.Stream) error {
			running.Add(1)
			defer running.Add(-1)
			err := handler(ctx, s)
			if gone := ctx.Err(); gone != nil && errors.Is(err, gone) {
				cancellations.Add(1)
			}
			return err
		})
	}
	handle("count", count)
	handle("sum", sum)
	handle("chat", chat)
	handle("flood", flood)
	handle("failstream", failstream)
	rt.Handle("streams", func(context.Context, []byte) ([]byte, error) {
		return strconv.AppendInt(nil, running.Load(), 10), nil
	})
}

// number is the first message.
func number(s *restyffi.Stream) (int, error) {
	message, err := s.Recv()
	if err != nil && err != io.EOF {
		return 0, err
	}
	n, err := strconv.Atoi(string(message))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s wants a number of messages, not %.40q", s.Method(), message)
	}
	return n, nil
}

func count(_ context.Context, s *restyffi.Stream) error {
	n, err := number(s)
	for i := 0; i < n && err == nil; i++ {
		err = s.Send(strconv.AppendInt(nil, int64(i), 10))
	}
	return err
}

func sum(_ context.Context, s *restyffi.Stream) error {
	total := 0
	for {
		message, err := s.Recv()
		if err == io.EOF {
			return s.Send(strconv.AppendInt(nil, int64(total), 10))
		}
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(message))
		if err != nil {
			return fmt.Errorf("sum wants numbers, not %.40q", message)
		}
		total += n
	}
}

func chat(_ context.Context, s *restyffi.Stream) error {
	for {
		message, err := s.Recv()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = s.Send(message)
		}
		if err != nil {
			return err
		}
	}
}

func flood(_ context.Context, s *restyffi.Stream) error {
	n, err := number(s)
	message := make([]byte, 64<<10)
	for i := range message {
		message[i] = byte(i % 251)
	}
	for i := 0; i < n && err == nil; i++ {
		err = s.Send(message)
	}
	return err
}

func failstream(ctx context.Context, s *restyffi.Stream) error {
	if err := count(ctx, s); err != nil {
		return err
	}
	return restyffi.Errorf(7, "mid-stream")
}
