package main

import (
	"context"
	"errors"
	"strings"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// farewell is the time before its deadline at which a call ends if the reason for waiting is known, so that the caller gets
// the reason in time.
const farewell = 250 * time.Millisecond

// enough returns how long a call may wait before it ends with the reason for waiting. ok is false without a deadline.
func enough(ctx context.Context) (wait time.Duration, ok bool) {
	deadline, ok := ctx.Deadline()
	left := time.Until(deadline)
	return left - min(left/10, farewell), ok
}

// await waits for the result of a call, or returns the reason for waiting. It is cheaper than a context of patience, for the
// calls that are made most often.
func await[T any](ctx context.Context, r *reach, done <-chan T) (result T, err error) {
	var late <-chan time.Time
	if left, ok := enough(ctx); ok {
		timer := time.NewTimer(left)
		defer timer.Stop()
		late = timer.C
	}
	for {
		select {
		case result = <-done:
			return result, nil
		case <-ctx.Done():
			return result, ctx.Err()
		case <-late:
			if reason := r.reason(); reason != nil {
				return result, reason
			}
		}
	}
}

// patience returns a context that is done a little before the deadline of ctx if brokers cannot be used then. Its cause is the
// reason.
func patience(ctx context.Context, r *reach) (context.Context, context.CancelFunc) {
	left, ok := enough(ctx)
	if !ok {
		return ctx, func() {}
	}
	inner, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(left, func() {
		if reason := r.reason(); reason != nil {
			cancel(reason)
		}
	})
	return inner, func() {
		timer.Stop()
		cancel(nil)
	}
}

// inTime replaces the error that the end of a context of patience has caused by the cause of that context. It gives an error
// of a connection the code and the message that all calls waiting for this broker get.
func inTime(ctx context.Context, r *reach, err error) error {
	var own, reason *restyffi.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		if errors.As(context.Cause(ctx), &reason) {
			return reason
		}
	case errors.As(coded(err), &own) && errors.As(r.reason(), &reason):
		if own.Code == reason.Code && own.Code != clientFailed || strings.Contains(reason.Message, own.Message) {
			return reason
		}
	}
	return err
}

// because adds the reason why the client cannot use its brokers to an error, if it is known.
func because(err *restyffi.Error, r *reach) error {
	if reason := r.reason(); reason != nil {
		return restyffi.Errorf(err.Code, "%s: %v", err.Message, reason)
	}
	return err
}
