// An etcd client for nginx: keys, transactions, leases and watches, in JSON.
package main

import (
	"runtime"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

func init() { restyffi.Serve(setUp) }

func main() {}

func setUp(rt *restyffi.Runtime) error {
	runtime.GOMAXPROCS(1) // nginx has a worker for each processor
	etcd, err := connect(rt)
	if err != nil {
		return err
	}
	rt.Handle("put", call(etcd, put))
	rt.Handle("get", call(etcd, get))
	rt.Handle("delete", call(etcd, del))
	rt.Handle("txn", call(etcd, txn))
	rt.Handle("lease_grant", call(etcd, leaseGrant))
	rt.Handle("lease_revoke", call(etcd, leaseRevoke))
	rt.HandleStream("lease_keep_alive", stream(etcd, leaseKeepAlive))
	rt.HandleStream("watch", stream(etcd, watch))
	return nil
}
