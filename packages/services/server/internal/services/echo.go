package services

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/resty-ffi/resty-ffi/packages/services/server/build/echo"
)

const repetitions = 10

// Echo answers with what it is sent, "slow" after a while, and "fail N text" with the status N and the text. The
// metadata of a unary request whose keys begin with "x-" come back as headers.
type Echo struct {
	echo.UnimplementedEchoServer
}

func (Echo) UnaryEcho(ctx context.Context, request *echo.EchoRequest) (*echo.EchoResponse, error) {
	headers := metadata.MD{}
	incoming, _ := metadata.FromIncomingContext(ctx)
	for key, values := range incoming {
		if strings.HasPrefix(key, "x-") {
			headers[key] = values
		}
	}
	if err := grpc.SetHeader(ctx, headers); err != nil {
		return nil, err
	}
	if err := grpc.SetTrailer(ctx, metadata.Pairs("x-trailer", "yes")); err != nil {
		return nil, err
	}
	return answer(ctx, request)
}

func (Echo) ServerStreamingEcho(request *echo.EchoRequest, stream echo.Echo_ServerStreamingEchoServer) error {
	for range repetitions {
		response, err := answer(stream.Context(), request)
		if err == nil {
			err = stream.Send(response)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ClientStreamingEcho answers with the last message.
func (Echo) ClientStreamingEcho(stream echo.Echo_ClientStreamingEchoServer) error {
	last := &echo.EchoResponse{}
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(last)
		}
		if err == nil {
			last, err = answer(stream.Context(), request)
		}
		if err != nil {
			return err
		}
	}
}

func (Echo) BidirectionalStreamingEcho(stream echo.Echo_BidirectionalStreamingEchoServer) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response, err := answer(stream.Context(), request)
		if err == nil {
			err = stream.Send(response)
		}
		if err != nil {
			return err
		}
	}
}

func answer(ctx context.Context, request *echo.EchoRequest) (*echo.EchoResponse, error) {
	message := request.GetMessage()
	if message == slow {
		if err := linger(ctx); err != nil {
			return nil, err
		}
	}
	var code uint32
	if n, _ := fmt.Sscanf(message, "fail %d ", &code); n == 1 {
		_, text, _ := strings.Cut(strings.TrimPrefix(message, "fail "), " ")
		return nil, status.Error(codes.Code(code), text)
	}
	return &echo.EchoResponse{Message: message}, nil
}
