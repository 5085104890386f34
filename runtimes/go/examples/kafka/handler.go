package main

import (
	"context"
	"encoding/json"

	"github.com/twmb/franz-go/pkg/kgo"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// call makes a handler of a function that takes a request and returns what is answered as JSON. ctx has the caller's
// deadline, and is cancelled when the caller goes away.
func call[Req any](client *kgo.Client, f func(context.Context, *kgo.Client, Req) (any, error)) restyffi.Handler {
	return func(ctx context.Context, text []byte) ([]byte, error) {
		var request Req
		if err := decode(text, &request); err != nil {
			return nil, err
		}
		answer, err := f(ctx, client, request)
		if err != nil {
			return nil, failure(err)
		}
		return json.Marshal(answer)
	}
}

// send sends a message as JSON; it waits while the caller does not read.
func send(s *restyffi.Stream, message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return s.Send(text)
}
