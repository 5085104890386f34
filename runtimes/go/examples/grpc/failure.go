package main

import (
	"context"
	"errors"

	"google.golang.org/grpc/status"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// failure is what the caller sees of an RPC that failed: the status and its message. ctx is the RPC's: if it was ended
// because the caller's own message was wrong, that is the reason.
func failure(ctx context.Context, err error) error {
	var wrong *restyffi.Error
	if errors.As(context.Cause(ctx), &wrong) {
		return wrong
	}
	s := status.Convert(err)
	return restyffi.Errorf(int(s.Code()), "%s", s.Message())
}
