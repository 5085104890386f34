package main

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/identity"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
)

// client is an etcd client, with what it does in the background.
type client struct {
	*clientv3.Client
	rt              *restyffi.Runtime
	login           *login             // nil without a user
	identity        *identity.Identity // nil without TLS
	namespace       string
	maxReceiveBytes int
	cancel          context.CancelFunc // ends the client's context
}

// Close ends the connections, the watches and what keeps leases alive.
func (c *client) Close(context.Context) {
	_ = c.Client.Close() // all that it says is that the context, which it ends itself, has ended
	c.cancel()
}

// handle serves calls of a method.
func handle[B, A any](p *pool.Pool[options, *client], method string,
	f func(*client, context.Context, *B) (A, error)) {
	pool.Handle(p, method, func(ctx context.Context, c *client, body *B) (answer A, err error) {
		ctx, cancel := c.patience(ctx)
		defer cancel()
		answer, err = f(c, ctx, body)
		return answer, c.explained(ctx, err)
	})
}

// handleStream serves streams of a method.
func handleStream[B any](p *pool.Pool[options, *client], method string,
	f func(*client, context.Context, *B, *pool.Stream) error) {
	pool.HandleStream(p, method, func(ctx context.Context, c *client, body *B, s *pool.Stream) error {
		return c.explained(ctx, f(c, ctx, body, s))
	})
}

// patience ends with the call. If there is no connection just now, it ends a little earlier, so that there is time to
// say why. It saves a goroutine for each call: gRPC derives contexts from one with values, and package context watches
// what is below them on a goroutine unless it has made that itself.
func (c *client) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || c.connected() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(time.Until(deadline)/10, 50*time.Millisecond)))
}

func (c *client) connected() bool { return c.ActiveConnection().GetState() == connectivity.Ready }

// near is how close to its deadline the end of a call is about it.
const near = 50 * time.Millisecond

// explained is the error with its code. When time is up since no endpoint can be reached, it says so.
func (c *client) explained(ctx context.Context, err error) error {
	err = coded(err)
	// etcd resets the stream at the deadline, which may be a moment ahead of the clock here.
	if deadline, ok := ctx.Deadline(); ok && isCancelled(err) && time.Until(deadline) < near {
		err = coded(context.DeadlineExceeded)
	}
	if isTimeout(err) && !c.connected() {
		if reason := coded(c.unreachable()); reason != nil && !isTimeout(reason) {
			err = reason
		}
	}
	return c.hinted(err)
}

// refusal matches what gRPC says when a server ends a connection before it has said anything, with an alert of TLS or
// without one.
var refusal = regexp.MustCompile(`(handshake failed|server preface|client preface|settings frame|window update): ` +
	`(remote error: .*|.*EOF|.*connection reset by peer|.*broken pipe)`)

// hinted adds to an error with a code what to know of our certificate, if a server may have refused us for it.
func (c *client) hinted(err error) error {
	var own *restyffi.Error
	hint := c.identity.Hint()
	if hint == "" || !errors.As(err, &own) || !refusal.MatchString(own.Message) || strings.Contains(own.Message, hint) {
		return err
	}
	return restyffi.Errorf(own.Code, "%s%s", own.Message, hint)
}

// unreachable asks gRPC, which does not wait for a connection here, why there is none.
func (c *client) unreachable() error {
	ctx, cancel := context.WithTimeout(c.Ctx(), 10*time.Millisecond)
	defer cancel()
	_, err := pb.NewKVClient(c.ActiveConnection()).Range(ctx, &pb.RangeRequest{Key: []byte{0}, CountOnly: true},
		grpc.WaitForReady(false))
	return err
}
