// Package testhost is a host for tests. It loads runtimes into the test's process and calls them. Programs that import it are
// linked with native/dist/lib/libresty_ffi.so (see the script "test" of package.json).
package testhost

/*
#cgo CFLAGS: -I${SRCDIR}/../../../../native/include
#include <poll.h>
#include <stdlib.h>
#include "../../../../native/host/pull/pull.h"
#include "resty_ffi.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// Cost returns what a message of n bytes takes from a window.
func Cost(n int) int64 { return int64(C.resty_ffi_cost(C.uint64_t(n))) }

// Levels of log lines.
const (
	Crit   = C.RESTY_FFI_LOG_CRIT
	Err    = C.RESTY_FFI_LOG_ERR
	Warn   = C.RESTY_FFI_LOG_WARN
	Notice = C.RESTY_FFI_LOG_NOTICE
	Info   = C.RESTY_FFI_LOG_INFO
	Debug  = C.RESTY_FFI_LOG_DEBUG
)

// Codes with which a call is cancelled.
const (
	Timeout   = C.RESTY_FFI_TIMEOUT
	Cancelled = C.RESTY_FFI_CANCELLED
)

// Line is one line of the host's log: "RUNTIME: TEXT".
type Line struct {
	Level int
	Text  string
}

// Host runs its loop on a goroutine of its own. Its methods may be called from any goroutine.
type Host struct {
	mu      sync.Mutex
	pull    *C.resty_ffi_pull
	calls   map[*C.resty_ffi_call]*Call
	streams map[*C.resty_ffi_call]chan struct{} // receives a value when the stream has changed
	lines   []Line
	stop    chan struct{}
	stopped chan struct{}
}

// New starts a host. Close ends it.
func New() *Host {
	h := &Host{
		pull:    C.resty_ffi_pull_new(nil, 0),
		calls:   make(map[*C.resty_ffi_call]*Call),
		streams: make(map[*C.resty_ffi_call]chan struct{}),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
	}
	go h.loop()
	return h
}

func (h *Host) loop() {
	defer close(h.stopped)
	fd := C.struct_pollfd{fd: C.resty_ffi_pull_fd(h.pull), events: C.POLLIN}
	for {
		select {
		case <-h.stop:
			return
		default:
		}
		C.poll(&fd, 1, 1)
		h.mu.Lock()
		C.resty_ffi_pull_run(h.pull, 0)
		for c := C.resty_ffi_pull_done(h.pull); c != nil; c = C.resty_ffi_pull_done(h.pull) {
			h.finish(c)
		}
		h.tellStreams()
		h.collectLines()
		h.mu.Unlock()
	}
}

func (h *Host) tellStreams() {
	var events C.int
	for c := C.resty_ffi_pull_stream(h.pull, &events); c != nil; c = C.resty_ffi_pull_stream(h.pull, &events) {
		select {
		case h.streams[c] <- struct{}{}:
		default: // a value waits already, or the stream is closed
		}
	}
}

func (h *Host) collectLines() {
	var text *C.char
	var n C.size_t
	for level := C.resty_ffi_pull_log(h.pull, &text, &n); level != 0; level = C.resty_ffi_pull_log(h.pull, &text, &n) {
		h.lines = append(h.lines, Line{int(level), C.GoStringN(text, C.int(n))})
	}
}

func (h *Host) finish(c *C.resty_ffi_call) {
	call := h.calls[c]
	if call == nil {
		return
	}
	delete(h.calls, c)
	data := C.GoBytes(unsafe.Pointer(c.data), C.int(c.len))
	switch {
	case c.status != 0:
		call.err = &CallError{int(c.status), string(data)}
	case c.nil == 0:
		call.response = append([]byte{}, data...)
	}
	C.resty_ffi_call_free(c)
	call.c = nil
	close(call.done)
}

// Lines returns the log so far.
func (h *Host) Lines() []Line {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Line(nil), h.lines...)
}

// HasLine waits up to 20 seconds for a line that contains text, and reports whether there is one.
func (h *Host) HasLine(level int, text string) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, l := range h.Lines() {
			if l.Level == level && strings.Contains(l.Text, text) {
				return true
			}
		}
	}
	return false
}

// Close ends all runtimes, waiting for them up to timeout. Calls and streams in flight get no answer.
func (h *Host) Close(timeout time.Duration) {
	close(h.stop)
	<-h.stopped
	h.mu.Lock()
	defer h.mu.Unlock()
	C.resty_ffi_pull_close(h.pull, C.int(timeout.Milliseconds()))
}

// Runtime is a loaded runtime.
type Runtime struct {
	h *Host
	r *C.resty_ffi_runtime
}

// Load loads a library, with the configuration cfg, nil = none.
func (h *Host) Load(lib string, cfg *string) (*Runtime, error) { return h.load(lib, cfg, false) }

// LoadIsolated loads it into a process of its own.
func (h *Host) LoadIsolated(lib string, cfg *string) (*Runtime, error) { return h.load(lib, cfg, true) }

func (h *Host) load(lib string, cfg *string, isolate bool) (*Runtime, error) {
	clib := C.CString(lib)
	defer C.free(unsafe.Pointer(clib))
	var ccfg *C.char
	var n C.size_t
	if cfg != nil {
		ccfg = C.CString(*cfg)
		defer C.free(unsafe.Pointer(ccfg))
		n = C.size_t(len(*cfg))
	}
	dicts := C.CString("cache\x00other\x00")
	defer C.free(unsafe.Pointer(dicts))
	options := C.resty_ffi_options{size: C.sizeof_resty_ffi_options, load_timeout_ms: 10000, dicts: dicts}
	if isolate {
		options.isolate = 1
	}
	text := (*C.char)(C.malloc(1000))
	defer C.free(unsafe.Pointer(text))

	h.mu.Lock()
	defer h.mu.Unlock()
	r := C.resty_ffi_runtime_load(C.resty_ffi_pull_loop(h.pull), clib, ccfg, n, &options, text, 1000)
	if r == nil || C.resty_ffi_runtime_wait(r, -1, text, 1000) != 1 {
		h.collectLines()
		return nil, errors.New(C.GoString(text))
	}
	return &Runtime{h, r}, nil
}

// Unload lets the runtime finish its calls, and end.
func (rt *Runtime) Unload() {
	rt.h.mu.Lock()
	defer rt.h.mu.Unlock()
	C.resty_ffi_runtime_unload(rt.r)
}

// A CallError is the failure of a call or a stream.
type CallError struct {
	Code int
	Text string
}

func (e *CallError) Error() string { return fmt.Sprintf("%d %s", e.Code, e.Text) }

// Call is a call in flight.
type Call struct {
	rt       *Runtime
	c        *C.resty_ffi_call
	done     chan struct{}
	response []byte
	err      error
}

// Start begins a call. The timeout is the handler's deadline, which the host does not enforce; 0 means none.
func (rt *Runtime) Start(method string, request []byte, timeout time.Duration) *Call {
	return rt.StartAll([]string{method}, [][]byte{request}, timeout)[0]
}

// StartAll begins several calls at once, so that they are likely to be polled together.
func (rt *Runtime) StartAll(methods []string, requests [][]byte, timeout time.Duration) []*Call {
	rt.h.mu.Lock()
	defer rt.h.mu.Unlock()
	calls := make([]*Call, len(methods))
	for i := range methods {
		calls[i] = rt.start(methods[i], requests[i], timeout)
	}
	return calls
}

func (rt *Runtime) start(method string, request []byte, timeout time.Duration) *Call {
	name := C.CString(method)
	defer C.free(unsafe.Pointer(name))
	number := C.resty_ffi_runtime_method(rt.r, name, C.size_t(len(method)))
	call := &Call{rt: rt, done: make(chan struct{}), c: C.resty_ffi_call_new(C.resty_ffi_pull_loop(rt.h.pull))}
	var data *C.char
	if request != nil {
		data = (*C.char)(C.CBytes(request))
		defer C.free(unsafe.Pointer(data))
	}
	rc := C.resty_ffi_call_submit(rt.r, call.c, C.uint32_t(number), data, C.uint64_t(len(request)),
		C.uint64_t(timeout.Milliseconds()))
	if rc != 0 {
		call.err = &CallError{int(rc), C.GoString(C.resty_ffi_runtime_explain(rt.r, rc))}
		C.resty_ffi_call_free(call.c)
		close(call.done)
		return call
	}
	rt.h.calls[call.c] = call
	return call
}

// Cancel cancels the call with the code Timeout or Cancelled. Wait then returns at once.
func (c *Call) Cancel(code int) {
	c.rt.h.mu.Lock()
	defer c.rt.h.mu.Unlock()
	if c.c == nil {
		return
	}
	C.resty_ffi_call_cancel(c.c, C.int(code))
	delete(c.rt.h.calls, c.c)
	C.resty_ffi_call_free(c.c)
	c.c = nil
	c.err = &CallError{code, "cancelled by the test"}
	close(c.done)
}

// Wait waits up to 20 seconds for the answer, and returns it.
func (c *Call) Wait() ([]byte, error) {
	select {
	case <-c.done:
		return c.response, c.err
	case <-time.After(20 * time.Second):
		return nil, errors.New("no answer within 20 s")
	}
}

// Done reports whether the call has been answered.
func (c *Call) Done() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Call calls a method and waits for the answer.
func (rt *Runtime) Call(method string, request []byte) ([]byte, error) {
	return rt.Start(method, request, 0).Wait()
}
