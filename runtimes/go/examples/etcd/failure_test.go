package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

func TestCodes(t *testing.T) {
	cases := []struct {
		err  error
		code int
		text string
	}{
		{rpctypes.ErrLeaseNotFound, 5, "etcdserver: requested lease not found"},
		{fmt.Errorf("watch: %w", rpctypes.ErrCompacted), 11, "etcdserver: mvcc: required revision has been compacted"},
		{
			errors.New("rpc error: code = PermissionDenied desc = etcdserver: permission denied"),
			7, "etcdserver: permission denied",
		},
		{status.Error(codes.Unavailable, "connection refused"), 14, "connection refused"},
		{context.DeadlineExceeded, 4, "context deadline exceeded"},
		{invalid("wrong"), 3, "wrong"},
	}
	for _, c := range cases {
		var got *restyffi.Error
		if err := failure(c.err); !errors.As(err, &got) || got.Code != c.code || got.Message != c.text {
			t.Errorf("%v: %v", c.err, err)
		}
	}
	if err := failure(nil); err != nil {
		t.Errorf("no error: %v", err)
	}
}
