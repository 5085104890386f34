package main

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// signIn is how long a stream, which has no deadline, waits for the first client.
const signIn = 5 * time.Second

// connection is the runtime's client. The first call makes it: with a user and a password clientv3.New signs in, and a
// runtime is to load while etcd is down.
type connection struct {
	config clientv3.Config
	client chan *clientv3.Client // holds it, nil before the first call; the goroutine that takes it out puts it back
}

func connect(rt *restyffi.Runtime) (*connection, error) {
	var c config
	if err := rt.DecodeConfig(&c); err != nil {
		return nil, err
	}
	settings, err := c.client()
	if err != nil {
		return nil, err
	}
	settings.Context = rt.Context()
	etcd := &connection{config: settings, client: make(chan *clientv3.Client, 1)}
	etcd.client <- nil
	context.AfterFunc(rt.Context(), func() {
		if client := <-etcd.client; client != nil {
			client.Close()
		}
	})
	return etcd, nil
}

// get returns the client, which connects by itself, and again whenever it has lost its connection.
func (etcd *connection) get(ctx context.Context) (*clientv3.Client, error) {
	select {
	case client := <-etcd.client:
		var err error
		if client == nil {
			client, err = etcd.open(ctx)
		}
		etcd.client <- client
		return client, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (etcd *connection) open(ctx context.Context) (*clientv3.Client, error) {
	settings := etcd.config
	settings.DialTimeout = signIn
	if deadline, ok := ctx.Deadline(); ok {
		settings.DialTimeout = max(time.Until(deadline), time.Millisecond) // 0 would be for ever
	}
	return clientv3.New(settings)
}
