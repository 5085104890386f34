package main

import (
	"context"
	"encoding/json"
	"io"

	clientv3 "go.etcd.io/etcd/client/v3"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// call makes a handler of a function that takes a request and returns what is answered as JSON. ctx has the caller's
// deadline, and is cancelled when the caller goes away.
func call[Req any](
	etcd *connection, f func(context.Context, *clientv3.Client, Req) (any, error),
) restyffi.Handler {
	return func(ctx context.Context, text []byte) ([]byte, error) {
		var request Req
		if err := decode(text, &request); err != nil {
			return nil, err
		}
		client, err := etcd.get(ctx)
		if err != nil {
			return nil, failure(err)
		}
		answer, err := f(ctx, client, request)
		if err != nil {
			return nil, failure(err)
		}
		return json.Marshal(answer)
	}
}

// stream makes a handler of a function that takes one request and sends messages until it returns.
func stream[Req any](
	etcd *connection, f func(ctx context.Context, client *clientv3.Client, request Req, send func(any) error) error,
) restyffi.StreamHandler {
	return func(ctx context.Context, s *restyffi.Stream) error {
		text, err := s.Recv()
		if err != nil && err != io.EOF {
			return err
		}
		var request Req
		if err := decode(text, &request); err != nil {
			return err
		}
		client, err := etcd.get(ctx)
		if err != nil {
			return failure(err)
		}
		return failure(f(ctx, client, request, func(message any) error {
			text, err := json.Marshal(message)
			if err != nil {
				return err
			}
			return s.Send(text) // waits while the caller does not read
		}))
	}
}
