package restyffi

// #include "bridge.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"unsafe"
)

// The argument and the number of the calls of Serve. Mistakes are reported when the library is loaded, since a panic in an
// init function ends the host.
var (
	setUp  func(*Runtime) error
	served int
)

// Serve sets the function that sets up a runtime. Call Serve once, in an init function of the library's main package: main
// does not run in a library.
//
// f is called once for each configuration that the host loads the library with. It registers the handlers; they are called
// only after f has returned nil. If f returns an error or panics, the load fails with that message.
//
// Set up in f and not in init functions: a panic in an init function ends the host.
func Serve(f func(rt *Runtime) error) {
	setUp = f
	served++
}

// libffi_init is the function of the library that the host calls.
//
//export libffi_init
func libffi_init(_ *C.char, tq unsafe.Pointer) C.int {
	// Threads that Go starts meanwhile inherit the name.
	defer C.restyffi_rename_thread(C.restyffi_name_thread())

	if C.restyffi_has_host() == 0 {
		fmt.Fprintln(os.Stderr, "restyffi: the host does not export resty_ffi_poll; load its libresty_ffi.so with RTLD_GLOBAL before the library")
		return C.RESTY_FFI_BAD_ARGUMENT
	}
	dropArguments()
	rt := newRuntime(queue(tq))
	if err := rt.start(); err != nil {
		rt.cancel()
		rt.gate.close(err)
		code, text := describe(err, nil)
		rt.queue.explain(text)
		return C.int(code)
	}
	return 0
}

// start sets the runtime up and begins to serve.
func (rt *Runtime) start() error {
	if served != 1 || setUp == nil {
		return fmt.Errorf("the library of runtime %q called restyffi.Serve %d times; call it once, with a function, from an init function of its main package", rt.name, served)
	}
	if err := rt.runSetUp(); err != nil {
		return err
	}
	rt.serving.Store(true)
	if err := rt.poller.open(rt); err != nil {
		return err
	}
	go rt.serve()
	return nil
}

// runSetUp runs setUp on a goroutine of its own, so that the host's thread returns even if setUp ends its goroutine.
func (rt *Runtime) runSetUp() error {
	result := make(chan error, 1)
	go func() {
		err := errors.New("the function given to restyffi.Serve ended its goroutine with runtime.Goexit instead of returning")
		defer func() {
			if p := recover(); p != nil {
				err = &panicError{p}
				rt.logger.Error("The set-up panicked.", "panic", p, "stack", string(debug.Stack()))
			}
			result <- err
		}()
		err = setUp(rt)
	}()
	return <-result
}
