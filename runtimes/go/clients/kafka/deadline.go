package main

import (
	"context"
	"errors"
	"strings"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// farewell is how long before its deadline a call ends that a known trouble keeps waiting: there has to be time to say so.
const farewell = 250 * time.Millisecond

// enough is how long a call may wait before it has to say why.
func enough(ctx context.Context) (time.Duration, bool) {
	deadline, ok := ctx.Deadline()
	left := time.Until(deadline)
	return left - min(left/10, farewell), ok
}

// await waits for what comes of a call, or for the reason why nothing does. It is for calls that are many: it does without
// a context of patience.
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

// patience is a context that is done a little before ctx if brokers cannot be used then; its cause is why.
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

// inTime puts the cause of a context of patience in the place of what its end led to, and gives an error of a connection the
// code and the words that it has for all who wait for this broker.
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

// because adds to an error what keeps the client from its brokers, if that is known.
func because(err *restyffi.Error, r *reach) error {
	if reason := r.reason(); reason != nil {
		return restyffi.Errorf(err.Code, "%s: %v", err.Message, reason)
	}
	return err
}
