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

// client is an etcd client and its background work.
type client struct {
	*clientv3.Client
	rt              *restyffi.Runtime
	login           *login             // nil without a user
	identity        *identity.Identity // nil without TLS
	namespace       string
	maxReceiveBytes int
	cancel          context.CancelFunc // ends the client's context
}

// Close ends the connections, the watches and the renewal of leases.
func (c *client) Close(context.Context) {
	_ = c.Client.Close() // its only error is that the context, which it ends itself, has ended
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

// patience returns a context that ends with the call. Without a connection it ends a little earlier, so that there is time to
// say why. It also saves a goroutine for each call: gRPC adds values to the context and derives others from that, which costs
// a goroutine in package context, unless the innermost context comes from package context itself.
func (c *client) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || c.connected() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(time.Until(deadline)/10, 50*time.Millisecond)))
}

func (c *client) connected() bool { return c.ActiveConnection().GetState() == connectivity.Ready }

// near bounds the time before its deadline in which the cancellation of a call counts as a timeout.
const near = 50 * time.Millisecond

// explained returns the error with its code. If the call timed out because no endpoint can be reached, it returns the reason
// for that.
func (c *client) explained(ctx context.Context, err error) error {
	err = coded(err)
	// etcd resets the stream at the deadline, and its clock may be slightly ahead.
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

// refusal matches the error of gRPC when a server ends a connection before it sends anything, with or without a TLS alert.
var refusal = regexp.MustCompile(`(handshake failed|server preface|client preface|settings frame|window update): ` +
	`(remote error: .*|.*EOF|.*connection reset by peer|.*broken pipe)`)

// hinted adds the hint about the client's certificate to the error of a connection that a server refused.
func (c *client) hinted(err error) error {
	var own *restyffi.Error
	hint := c.identity.Hint()
	if hint == "" || !errors.As(err, &own) || !refusal.MatchString(own.Message) || strings.Contains(own.Message, hint) {
		return err
	}
	return restyffi.Errorf(own.Code, "%s%s", own.Message, hint)
}

// unreachable returns why there is no connection: the error of a call that does not wait for one.
func (c *client) unreachable() error {
	ctx, cancel := context.WithTimeout(c.Ctx(), 10*time.Millisecond)
	defer cancel()
	_, err := pb.NewKVClient(c.ActiveConnection()).Range(ctx, &pb.RangeRequest{Key: []byte{0}, CountOnly: true},
		grpc.WaitForReady(false))
	return err
}
