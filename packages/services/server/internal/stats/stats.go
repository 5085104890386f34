// Package stats counts what the clients of a gRPC server hold and do, so that tests see leaks.
package stats

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// Counter is a stats.Handler for any number of servers, and answers HTTP requests with its counts.
type Counter struct {
	connections, streams, calls, cancelled atomic.Int64
}

func (c *Counter) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (c *Counter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (c *Counter) HandleConn(_ context.Context, event stats.ConnStats) {
	switch event.(type) {
	case *stats.ConnBegin:
		c.connections.Add(1)
	case *stats.ConnEnd:
		c.connections.Add(-1)
	}
}

func (c *Counter) HandleRPC(_ context.Context, event stats.RPCStats) {
	switch event := event.(type) {
	case *stats.Begin:
		c.calls.Add(1)
		c.streams.Add(1)
	case *stats.End:
		c.streams.Add(-1)
		if gaveUp(event.Error) {
			c.cancelled.Add(1)
		}
	}
}

func gaveUp(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	code := status.Code(err)
	return code == codes.Canceled || code == codes.DeadlineExceeded
}

func (c *Counter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]int64{
		"connections": c.connections.Load(),
		"streams":     c.streams.Load(),
		"calls":       c.calls.Load(),
		"cancelled":   c.cancelled.Load(),
	})
}
