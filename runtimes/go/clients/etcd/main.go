// Command etcd is libffi_etcd.so: what resty.ffi.etcd calls. packages/lua/lib/resty/ffi/etcd.lua has the other side.
package main

import (
	"context"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
)

func init() { restyffi.Serve(setUp) }

func main() {}

func setUp(rt *restyffi.Runtime) error {
	idle := func(o *options) time.Duration { return o.Idle() }
	p := pool.New(rt, restyffi.CodeBadArgument, idle, func(_ context.Context, o *options) (*client, error) {
		return connect(rt, o)
	})
	handle(p, "get", (*client).get)
	handle(p, "put", (*client).put)
	handle(p, "delete", (*client).delete)
	handle(p, "txn", (*client).txn)
	handle(p, "compact", (*client).compact)
	handleStream(p, "watch", (*client).watch)

	handle(p, "grant", (*client).grant)
	handle(p, "revoke", (*client).revoke)
	handle(p, "time_to_live", (*client).timeToLive)
	handle(p, "leases", (*client).leases)
	handle(p, "keep_alive_once", (*client).keepAliveOnce)
	handleStream(p, "keep_alive", (*client).keepAlive)
	handleStream(p, "lock", (*client).lock)

	handle(p, "status", (*client).status)
	handle(p, "members", (*client).members)
	handle(p, "endpoints", (*client).endpoints)
	return nil
}
