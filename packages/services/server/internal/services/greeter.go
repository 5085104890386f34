package services

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/resty-ffi/resty-ffi/packages/services/server/build/helloworld"
)

// Greeter greets everybody who has a name, and takes its time for "slow".
type Greeter struct {
	helloworld.UnimplementedGreeterServer
}

func (Greeter) SayHello(ctx context.Context, request *helloworld.HelloRequest) (*helloworld.HelloReply, error) {
	switch request.GetName() {
	case "":
		return nil, status.Error(codes.InvalidArgument, "the name must not be empty")
	case slow:
		if err := linger(ctx); err != nil {
			return nil, err
		}
	}
	return &helloworld.HelloReply{Message: "Hello " + request.GetName()}, nil
}
