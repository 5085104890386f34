package main

import (
	"context"
	"errors"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// login holds the token of a user, and gets a new token when etcd refuses it. The etcd client does that, too, but sends
// the refused token with the request for a new token. etcd up to 3.4 refuses that request, and the client repeats it for
// ever.
type login struct {
	user, password string
	timeout        time.Duration // of an attempt

	mu      sync.Mutex
	etcd    *clientv3.Client // nil until first
	token   string           // "" before the first login, and while etcd wants none
	running *loginAttempt    // nil if no login is running
}

// loginAttempt serves all calls that need a token at the same time, because checking a password is expensive for etcd.
type loginAttempt struct {
	done chan struct{} // closed when err is set
	err  error
}

// dialOptions returns the options with which a connection sends and renews the token.
func (l *login) dialOptions() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithPerRPCCredentials(l), grpc.WithChainUnaryInterceptor(l.call)}
}

// GetRequestMetadata implements [credentials.PerRPCCredentials].
func (l *login) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token := l.current()
	if call, _ := credentials.RequestInfoFromContext(ctx); token == "" || isLogin(call.Method) {
		return nil, nil
	}
	return map[string]string{rpctypes.TokenFieldNameGRPC: token}, nil
}

// RequireTransportSecurity implements [credentials.PerRPCCredentials]: TLS is the user's choice.
func (l *login) RequireTransportSecurity() bool { return false }

func isLogin(method string) bool { return method == pb.Auth_Authenticate_FullMethodName }

// current returns the token, or "" without a user.
func (l *login) current() string {
	if l == nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token
}

// call wraps each attempt of a call. etcd has not executed a call that it refused for its token, so the call can be repeated.
func (l *login) call(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if isLogin(method) {
		return invoke(ctx, method, request, answer, conn, options...)
	}
	used := l.current()
	err := invoke(ctx, method, request, answer, conn, options...)
	if !refusesToken(err) {
		return err
	}
	if err := l.again(ctx, used, err); err != nil {
		return err
	}
	return invoke(ctx, method, request, answer, conn, options...)
}

// refusesToken reports whether etcd wants another token.
func refusesToken(err error) bool {
	if err == nil {
		return false
	}
	err = rpctypes.Error(err)
	return errors.Is(err, rpctypes.ErrInvalidAuthToken) || errors.Is(err, rpctypes.ErrAuthOldRevision) ||
		errors.Is(err, rpctypes.ErrUserEmpty)
}

// again logs in after etcd refused the token used. If the login fails, too, the error has both reasons.
func (l *login) again(ctx context.Context, used string, refusal error) error {
	err := l.renew(ctx, used)
	code, text := statusOf(err)
	switch code {
	case codes.OK, codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return err
	}
	_, why := statusOf(refusal)
	return status.Errorf(codes.Unauthenticated, "%s; logging in again failed: %s", why, text)
}

// first logs in for a new client.
func (l *login) first(ctx context.Context, etcd *clientv3.Client) error {
	l.mu.Lock()
	l.etcd = etcd
	l.mu.Unlock()
	return l.renew(ctx, "")
}

// renew returns when there is a token other than the one used.
func (l *login) renew(ctx context.Context, used string) error {
	l.mu.Lock()
	if l.token != used || l.etcd == nil {
		l.mu.Unlock()
		return nil
	}
	a := l.running
	if a == nil {
		a = &loginAttempt{done: make(chan struct{})}
		l.running = a
		go l.run(a)
	}
	l.mu.Unlock()
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func (l *login) run(a *loginAttempt) {
	ctx, cancel := context.WithTimeout(l.etcd.Ctx(), l.timeout)
	defer cancel()
	r, err := l.etcd.Authenticate(ctx, l.user, l.password)
	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(a.done)
	l.running = nil
	switch {
	case err == nil:
		l.token = r.Token
	case errors.Is(err, rpctypes.ErrAuthNotEnabled):
		l.token = ""
	default:
		a.err = err
	}
}
