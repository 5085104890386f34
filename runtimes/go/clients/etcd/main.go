// Command etcd is libffi_etcd.so: what resty.ffi.etcd calls. packages/lua/lib/resty/ffi/etcd.lua has the other side.
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

// ballast is never touched, so it takes no memory, but counts where Go compares what lives with what was allocated since.
// Little lives here while much passes through: so garbage is collected a quarter as often, which costs some 12 MB and
// saves a tenth of the time of a get. A larger GOGC would have a large heap grow by its size.
var ballast []byte

// settle tells Go what suits a library in an nginx worker.
func settle() {
	ballast = make([]byte, 12<<20)
	runtime.KeepAlive(ballast) // somebody has to use it
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1) // the worker has one processor: a second thread of Go's is more work and no help
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
