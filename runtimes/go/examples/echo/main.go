// A runtime that answers with what it was sent.
package main

import (
	"context"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

func init() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		rt.Handle("echo", func(_ context.Context, request []byte) ([]byte, error) { return request, nil })
		rt.HandleDefault(func(_ context.Context, method string, _ []byte) ([]byte, error) {
			return []byte("hello from " + method), nil
		})
		return nil
	})
}

func main() {}
