package main

import (
	"context"
	"errors"
	"fmt"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// coded gives an error the code that Lua sees: the gRPC status of an error of etcd or of the connection, and resty-ffi's own
// code for a timeout or a caller that has gone.
func coded(err error) error {
	var own *restyffi.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return restyffi.Errorf(restyffi.CodeTimeout, "etcd did not answer in time")
	case errors.Is(err, context.Canceled):
		return restyffi.Errorf(restyffi.CodeCancelled, "cancelled")
	}
	code, text := statusOf(err)
	switch code {
	case codes.OK:
		return err
	case codes.DeadlineExceeded:
		return restyffi.Errorf(restyffi.CodeTimeout, "etcd did not answer in time: %s", text)
	case codes.Canceled:
		return restyffi.Errorf(restyffi.CodeCancelled, "cancelled: %s", text)
	}
	return restyffi.Errorf(int(code), "%s", text)
}

// statusOf returns the gRPC status of an error, or OK if it has no status.
func statusOf(err error) (codes.Code, string) {
	var etcd rpctypes.EtcdError
	if errors.As(rpctypes.Error(err), &etcd) {
		return etcd.Code(), etcd.Error()
	}
	if s, ok := status.FromError(err); ok {
		return s.Code(), s.Message()
	}
	return codes.OK, err.Error()
}

func isTimeout(err error) bool { return hasCode(err, restyffi.CodeTimeout) }

func isCancelled(err error) bool { return hasCode(err, restyffi.CodeCancelled) }

func hasCode(err error, code int) bool {
	var own *restyffi.Error
	return errors.As(err, &own) && own.Code == code
}

// passes reports whether the server is down or has no leader, which may be over soon.
func passes(err error) bool {
	code, _ := statusOf(err)
	return code == codes.Unavailable
}

// wrong returns the error for an answer that violates etcd's protocol. To go on after it might lose events.
func wrong(format string, values ...any) error {
	return restyffi.Errorf(int(codes.DataLoss), "the server does not keep to etcd's protocol: %s",
		fmt.Sprintf(format, values...))
}
