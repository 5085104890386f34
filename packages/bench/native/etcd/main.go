// Command etcd gets a key by etcd's own client, as resty.ffi.etcd does for Lua.
package main

import (
	"context"
	"strings"

	"github.com/resty-ffi/resty-ffi/packages/bench/native/load"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func main() {
	s := load.Parse()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{s.Address}})
	if err != nil {
		load.Fail(err)
	}
	defer client.Close()
	ctx := context.Background()
	if _, err := client.Put(ctx, "bench", strings.Repeat("x", s.Bytes)); err != nil {
		load.Fail(err)
	}
	load.Run(s, func() error {
		_, err := client.Get(ctx, "bench")
		return err
	})
}
