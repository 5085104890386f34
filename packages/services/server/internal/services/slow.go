package services

import (
	"context"
	"time"

	"google.golang.org/grpc/status"
)

// slow as a name or a message makes its RPC wait, so that a client can give it up.
const slow = "slow"

const wait = 30 * time.Second

// linger returns after a while, or with an error once the client has given up.
func linger(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-time.After(wait):
		return nil
	}
}
