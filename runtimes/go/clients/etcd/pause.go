package main

import (
	"context"
	"time"
)

// retryPause is between attempts to go on with a watch or a lease after a server was not to be reached.
const retryPause = 200 * time.Millisecond

func pause(ctx context.Context) error {
	select {
	case <-time.After(retryPause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
