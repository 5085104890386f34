package main

import (
	"context"
	"math"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/identity"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/namespace"
)

// connect makes a client. It connects only if there is a user, to exchange the password for a token.
func connect(ctx context.Context, rt *restyffi.Runtime, o *options) (*client, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	var shown *identity.Identity
	if config.TLS != nil {
		shown = identity.Of(config.TLS)
	}
	var user *login
	if o.User != "" {
		user = &login{user: o.User, password: o.Password, timeout: config.DialTimeout}
		config.DialOptions = append(config.DialOptions, user.dialOptions()...)
	}
	// Not the runtime's context: the handlers still revoke leases while the runtime is unloaded.
	background, cancel := context.WithCancel(context.Background())
	inTime := context.AfterFunc(ctx, cancel)
	config.Context = background
	etcd, err := clientv3.New(config)
	if err != nil {
		cancel()
		return nil, coded(err)
	}
	c := &client{Client: etcd, rt: rt, login: user, identity: shown, cancel: cancel, namespace: o.Namespace,
		maxReceiveBytes: math.MaxInt32}
	if o.MaxReceiveBytes > 0 {
		c.maxReceiveBytes = o.MaxReceiveBytes
	}
	if user != nil {
		err = user.first(ctx, etcd)
	}
	if !inTime() {
		err = ctx.Err()
	}
	if err != nil {
		err = c.explained(ctx, err)
		c.Close(ctx)
		return nil, err
	}
	if o.Namespace != "" {
		etcd.KV = namespace.NewKV(etcd.KV, o.Namespace)
		etcd.Lease = namespace.NewLease(etcd.Lease, o.Namespace)
	}
	etcd.Watcher = watcher{c}
	return c, nil
}
