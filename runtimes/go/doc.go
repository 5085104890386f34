// Package restyffi is the Go SDK of resty-ffi: write Go libraries that nginx, and other hosts, call without blocking their
// event loops.
//
// A runtime is a main package that registers handlers:
//
//	package main
//
//	import (
//		"context"
//
//		restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
//	)
//
//	func init() {
//		restyffi.Serve(func(rt *restyffi.Runtime) error {
//			rt.Handle("echo", func(_ context.Context, request []byte) ([]byte, error) { return request, nil })
//			return nil
//		})
//	}
//
//	func main() {}
//
// It is built as a shared library, and loaded from Lua by its name:
//
//	go build -buildmode=c-shared -o libffi_go_echo.so .
//
//	local rt = ngx.load_ffi("ffi_go_echo")
//	local ok, res = rt:echo("hello")
//
// # Calls
//
// See [Handler] for what a handler may do with its request and what becomes of its response and its error. Handlers are
// as independent of each other as if each ran on a goroutine of its own: one may wait, block its thread or compute without
// holding up the others. The context of a call is done when its caller has gone or its deadline has passed, and its
// Deadline is the caller's.
//
// # Streams
//
// A call may carry many messages in both directions: see [StreamHandler]. In Lua resty_ffi.stream(rt, "upper") opens one.
// A handler that sends faster than the client reads waits in Send.
//
// # Failure
//
// A handler that panics fails its call; the panic is logged with its stack, and the runtime goes on. Nothing can catch
// what Go itself treats as fatal: a panic on a goroutine that a handler started, a concurrent map write, a stack overflow.
// They end the process, and in an nginx worker that is the worker. Recover in goroutines of your own, or load the library
// with isolate = true: then it runs in a process of its own, which is restarted.
//
// # Threads and signals
//
// The Go scheduler takes as many processors as the host may use. In a server with a worker per processor
// runtime.GOMAXPROCS(1), at the beginning of the set-up, or the environment variable GOMAXPROCS saves wake-ups. Do not
// call signal.Notify: the signals are the host's.
//
// # Tests
//
// A test of a runtime's package needs no host: handlers are functions. Without a host [ABI] is 0.
package restyffi
