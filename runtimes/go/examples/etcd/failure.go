package main

import (
	"context"
	"errors"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/status"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// failure is what the caller sees of an error: the gRPC status that etcd answered with, and etcd's words.
func failure(err error) error {
	if err == nil {
		return nil
	}
	if etcd, ok := etcdError(err); ok {
		return restyffi.Errorf(int(etcd.Code()), "%s", etcd.Error())
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = status.FromContextError(err).Err()
	}
	if s, ok := status.FromError(err); ok {
		return restyffi.Errorf(int(s.Code()), "%s", s.Message())
	}
	return err
}

// etcdError finds etcd's own error in err, also where only the text of its status is left, as at the end of a watch.
func etcdError(err error) (etcd rpctypes.EtcdError, ok bool) {
	if errors.As(err, &etcd) {
		return etcd, true
	}
	text := err.Error()
	if _, words, found := strings.Cut(text, "desc = etcdserver: "); found {
		text = "etcdserver: " + words
	}
	return etcd, errors.As(rpctypes.Error(errors.New(text)), &etcd)
}
