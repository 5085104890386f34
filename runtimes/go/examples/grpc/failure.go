package main

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// near is how close to the deadline a status is about it.
const near = 50 * time.Millisecond

// failure is what the caller sees of an RPC that failed: the status and its message. ctx is the RPC's: if it was ended
// because the caller's own message was wrong, that is the reason.
func failure(ctx context.Context, err error) error {
	var wrong *restyffi.Error
	if errors.As(context.Cause(ctx), &wrong) {
		return wrong
	}
	s := status.Convert(err)
	code := s.Code()
	// A service resets the stream at the deadline, which may be a moment ahead of the clock here.
	if deadline, ok := ctx.Deadline(); ok && code == codes.Canceled && time.Until(deadline) < near {
		code = codes.DeadlineExceeded
	}
	return restyffi.Errorf(int(code), "%s", s.Message())
}
