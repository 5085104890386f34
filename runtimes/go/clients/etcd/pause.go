package main

import (
	"context"
	"time"
)

// retryPause is the pause between attempts to continue a watch or a lease while no server can be reached.
const retryPause = 200 * time.Millisecond

func pause(ctx context.Context) error {
	select {
	case <-time.After(retryPause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
