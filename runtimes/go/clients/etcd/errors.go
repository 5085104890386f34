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

// coded gives an error the code that Lua sees: the gRPC status of what etcd or the connection to it says, and
// resty-ffi's own where time was up or the caller has gone.
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

// statusOf is the gRPC status of an error, OK if it has none.
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

// passes reports whether an error comes from a server that is down, has no leader or is being changed.
func passes(err error) bool {
	code, _ := statusOf(err)
	return code == codes.Unavailable
}

// wrong is an error for what no etcd does: to go on might leave something out.
func wrong(format string, values ...any) error {
	return restyffi.Errorf(int(codes.DataLoss), "the server does not keep to etcd's protocol: %s",
		fmt.Sprintf(format, values...))
}
