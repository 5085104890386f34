// Command etcd is libffi_etcd.so, which resty.ffi.etcd calls (packages/lua/lib/resty/ffi/etcd.lua).
package main

import (
	"context"
	"os"
	"runtime"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
)

func init() { restyffi.Serve(setUp) }

func main() {}

// ballast is never touched, so it takes no memory, but it counts as live heap when Go decides when to collect garbage. Little
// memory is live here while much is allocated. With the ballast, garbage is collected a quarter as often, which costs some
// 12 MB and saves a tenth of the time of a get. A larger GOGC would let a large heap grow in proportion.
var ballast []byte

// settle configures Go's runtime for a library in an nginx worker.
func settle() {
	ballast = make([]byte, 12<<20)
	runtime.KeepAlive(ballast) // a variable has to be used
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1) // the worker has one processor, so a second thread would only cost time
	}
}

func setUp(rt *restyffi.Runtime) error {
	settle()
	idle := func(o *options) time.Duration { return o.Idle() }
	p := pool.New(rt, restyffi.CodeBadArgument, idle, func(ctx context.Context, o *options) (*client, error) {
		return connect(ctx, rt, o)
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
