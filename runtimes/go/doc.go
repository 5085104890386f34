// Package restyffi is the Go SDK of resty-ffi. It makes Go libraries that nginx and other hosts call without blocking
// their event loops.
//
// A library is a main package that registers handlers:
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
// It is built as a shared library, and Lua loads it by its name:
//
//	go build -buildmode=c-shared -o libffi_go_echo.so .
//
//	local rt = ngx.load_ffi("ffi_go_echo")
//	local ok, res = rt:echo("hello")
//
// # Calls
//
// [Handler] describes what a handler may do with its request, and what becomes of its response and its error. Handlers
// are as independent of each other as if each ran on a goroutine of its own: a handler may wait, block its thread or
// compute without delaying the others. The context of a call carries the caller's deadline. It is done when the deadline
// passes or the caller goes away.
//
// # Streams
//
// A stream carries any number of messages in both directions; see [StreamHandler]. In Lua, resty_ffi.stream(rt, "upper")
// opens one. A handler that sends faster than the client reads waits in [Stream.Send].
//
// # Failure
//
// When a handler panics, its call fails, the panic is logged with its stack, and the runtime goes on. Nothing can catch
// what Go itself treats as fatal: a panic on a goroutine that a handler started, a concurrent map write, a stack overflow.
// Each of these ends the process, which is the worker when nginx is the host. Recover in goroutines of your own, or load
// the library with isolate = true: it then runs in a process of its own, which the host restarts.
//
// # Threads and signals
//
// The Go scheduler takes as many processors as the host may use. In a server with one worker for each processor, call
// runtime.GOMAXPROCS(1) at the beginning of the set-up, or set the environment variable GOMAXPROCS: that saves wake-ups.
// Do not call signal.Notify: signals belong to the host.
//
// # Tests
//
// A library's tests need no host: handlers are functions. Without a host [ABI] returns 0.
package restyffi
