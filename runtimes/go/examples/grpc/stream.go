package main

import (
	"context"
	"io"

	"google.golang.org/grpc"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// serverStream makes a handler of an RPC that takes one message and answers with many.
func serverStream[Req, Res any, Q message[Req], S message[Res]](
	open func(context.Context, Q, ...grpc.CallOption) (grpc.ServerStreamingClient[Res], error),
) restyffi.StreamHandler {
	return func(ctx context.Context, s *restyffi.Stream) error {
		text, err := s.Recv()
		if err != nil && err != io.EOF {
			return err
		}
		request, err := decode[Req, Q](text)
		if err != nil {
			return err
		}
		rpc, err := open(ctx, request)
		if err != nil {
			return failure(ctx, err)
		}
		return answer[Res, S](ctx, s, rpc.Recv)
	}
}

// clientStream makes a handler of an RPC that takes many messages and answers with one.
func clientStream[Req, Res any, Q message[Req], S message[Res]](
	open func(context.Context, ...grpc.CallOption) (grpc.ClientStreamingClient[Req, Res], error),
) restyffi.StreamHandler {
	return func(ctx context.Context, s *restyffi.Stream) error {
		ctx, end := context.WithCancelCause(ctx)
		defer end(nil)
		rpc, err := open(ctx)
		if err != nil {
			return failure(ctx, err)
		}
		go forward[Req, Q](s, rpc, end)
		response := S(new(Res))
		// CloseAndRecv would not see that the server answers, or is gone, before the caller has sent everything.
		if err := rpc.RecvMsg(response); err != nil {
			return failure(ctx, err)
		}
		return send(s, response)
	}
}

// bidirectional makes a handler of an RPC with many messages in both directions.
func bidirectional[Req, Res any, Q message[Req], S message[Res]](
	open func(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[Req, Res], error),
) restyffi.StreamHandler {
	return func(ctx context.Context, s *restyffi.Stream) error {
		ctx, end := context.WithCancelCause(ctx)
		defer end(nil)
		rpc, err := open(ctx)
		if err != nil {
			return failure(ctx, err)
		}
		go forward[Req, Q](s, rpc, end)
		return answer[Res, S](ctx, s, rpc.Recv)
	}
}

// forward sends the caller's messages to the server until the caller has closed its direction. A message that is wrong
// ends the RPC; so does the handler, when it returns.
func forward[Req any, Q message[Req]](s *restyffi.Stream, rpc interface {
	Send(*Req) error
	CloseSend() error
}, end context.CancelCauseFunc) {
	for {
		text, err := s.Recv()
		if err == io.EOF {
			rpc.CloseSend()
			return
		}
		if err != nil {
			end(err)
			return
		}
		request, err := decode[Req, Q](text)
		if err != nil {
			end(err)
			return
		}
		if rpc.Send(request) != nil {
			return // the RPC is over: the receiver learns why
		}
	}
}

// answer sends the server's messages to the caller until there are no more.
func answer[Res any, S message[Res]](ctx context.Context, s *restyffi.Stream, receive func() (*Res, error)) error {
	for {
		response, err := receive()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return failure(ctx, err)
		}
		if err := send(s, S(response)); err != nil {
			return err
		}
	}
}
