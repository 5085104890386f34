// A gRPC client for nginx: each method of this runtime is an RPC, with messages in JSON.
package main

import (
	"context"
	"runtime"

	"google.golang.org/grpc"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/examples/grpc/pb/echo"
	"github.com/resty-ffi/resty-ffi/runtimes/go/examples/grpc/pb/helloworld"
	"github.com/resty-ffi/resty-ffi/runtimes/go/examples/grpc/pb/routeguide"
)

//go:generate go run ./internal/generate

func init() { restyffi.Serve(setUp) }

func main() {}

func setUp(rt *restyffi.Runtime) error {
	runtime.GOMAXPROCS(1) // nginx has a worker for each processor
	var c config
	if err := rt.DecodeConfig(&c); err != nil {
		return err
	}
	options, err := c.dialOptions()
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(c.Address, options...) // connects with the first call, and again after a failure
	if err != nil {
		return err
	}
	context.AfterFunc(rt.Context(), func() { conn.Close() })

	greeter := helloworld.NewGreeterClient(conn)
	rt.Handle("say_hello", unary(greeter.SayHello))

	guide := routeguide.NewRouteGuideClient(conn)
	rt.Handle("get_feature", unary(guide.GetFeature))
	rt.HandleStream("list_features", serverStream(guide.ListFeatures))
	rt.HandleStream("record_route", clientStream(guide.RecordRoute))
	rt.HandleStream("route_chat", bidirectional(guide.RouteChat))

	echoer := echo.NewEchoClient(conn)
	rt.Handle("unary_echo", unary(echoer.UnaryEcho))
	rt.HandleStream("echo_stream", bidirectional(echoer.BidirectionalStreamingEcho))
	return nil
}
