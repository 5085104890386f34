package main

import (
	"context"

	"google.golang.org/grpc"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// unary makes a handler of an RPC with one message in each direction. ctx carries the caller's deadline to the server,
// and cancels the RPC when the caller goes away.
func unary[Req, Res any, Q message[Req], S message[Res]](
	rpc func(context.Context, Q, ...grpc.CallOption) (S, error),
) restyffi.Handler {
	return func(ctx context.Context, text []byte) ([]byte, error) {
		request, err := decode[Req, Q](text)
		if err != nil {
			return nil, err
		}
		response, err := rpc(ctx, request)
		if err != nil {
			return nil, failure(ctx, err)
		}
		return encode(response)
	}
}
