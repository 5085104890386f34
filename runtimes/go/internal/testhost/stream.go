package testhost

/*
#cgo CFLAGS: -I${SRCDIR}/../../../../native/include
#include <stdlib.h>
#include "../../../../native/host/pull/pull.h"
#include "resty_ffi.h"
*/
import "C"

import (
	"errors"
	"io"
	"time"
	"unsafe"
)

// Window is the window of every stream, in bytes.
const Window = C.RESTY_FFI_STREAM_WINDOW

// ErrWait is the error of a Try method that would have to wait.
var ErrWait = errors.New("not now")

// Stream is the client's end of a stream.
type Stream struct {
	h     *Host
	c     *C.resty_ffi_call
	event chan struct{} // something has changed
}

// Open opens a stream. A nil first message means none; end closes the client's direction at once.
func (rt *Runtime) Open(method string, first []byte, end bool, timeout time.Duration) (*Stream, error) {
	name := C.CString(method)
	defer C.free(unsafe.Pointer(name))
	data, size := cbytes(first)
	defer C.free(unsafe.Pointer(data))

	rt.h.mu.Lock()
	defer rt.h.mu.Unlock()
	number := C.resty_ffi_runtime_method(rt.r, name, C.size_t(len(method)))
	s := &Stream{h: rt.h, c: C.resty_ffi_pull_call_new(rt.h.pull), event: make(chan struct{}, 1)}
	rc := C.resty_ffi_stream_open(rt.r, s.c, C.uint32_t(number), data, size, C.bool(end), C.uint64_t(timeout.Milliseconds()))
	if rc != 0 {
		C.resty_ffi_pull_call_free(s.c)
		return nil, &CallError{int(rc), C.GoString(C.resty_ffi_runtime_explain(rt.r, rc))}
	}
	rt.h.streams[s.c] = s.event
	return s, nil
}

func cbytes(b []byte) (*C.char, C.uint64_t) {
	if b == nil {
		return nil, 0
	}
	return (*C.char)(C.CBytes(b)), C.uint64_t(len(b))
}

// TrySend sends a message, unless it is nil; end closes the client's direction. It returns ErrWait if the window is used up.
func (s *Stream) TrySend(message []byte, end bool) error {
	data, size := cbytes(message)
	defer C.free(unsafe.Pointer(data))
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if s.c == nil {
		return &CallError{Cancelled, "cancelled by the test"}
	}
	switch rc := C.resty_ffi_stream_send(s.c, data, size, C.bool(end)); rc {
	case 0:
		return nil
	case C.RESTY_FFI_AGAIN:
		return ErrWait
	default:
		return &CallError{int(rc), "refused by the host"}
	}
}

// Send is TrySend that waits for the window.
func (s *Stream) Send(message []byte, end bool) error {
	return s.wait(func() error { return s.TrySend(message, end) })
}

// TryRecv returns the next message, io.EOF at the end, a *CallError if the stream failed, or ErrWait if no message has arrived.
func (s *Stream) TryRecv() ([]byte, error) {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if s.c == nil {
		return nil, &CallError{Cancelled, "cancelled by the test"}
	}
	what := C.resty_ffi_stream_next(s.c)
	if what == C.RESTY_FFI_NOTHING {
		return nil, ErrWait
	}
	data := append([]byte{}, C.GoBytes(unsafe.Pointer(s.c.data), C.int(s.c.len))...)
	switch {
	case what == C.RESTY_FFI_ENDED && s.c.status != 0:
		return nil, &CallError{int(s.c.status), string(data)}
	case what == C.RESTY_FFI_ENDED:
		return nil, io.EOF
	case s.c.nil != 0:
		return nil, nil
	}
	return data, nil
}

// Recv is TryRecv that waits.
func (s *Stream) Recv() ([]byte, error) {
	var message []byte
	err := s.wait(func() (err error) {
		message, err = s.TryRecv()
		return err
	})
	return message, err
}

func (s *Stream) wait(f func() error) error {
	late := time.After(20 * time.Second)
	for {
		if err := f(); err != ErrWait {
			return err
		}
		select {
		case <-s.event:
		case <-time.After(time.Millisecond): // the other direction may have received the event
		case <-late:
			return errors.New("nothing has happened on the stream within 20 s")
		}
	}
}

// All receives all messages. The error is nil if the stream ended with success.
func (s *Stream) All() ([][]byte, error) {
	var all [][]byte
	for {
		message, err := s.Recv()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, message)
	}
}

// Cancel cancels the stream with the code Timeout or Cancelled, and frees it.
func (s *Stream) Cancel(code int) {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if s.c == nil {
		return
	}
	C.resty_ffi_call_cancel(s.c, C.int(code))
	s.free()
}

// Close frees the stream. It cancels a stream that has not ended.
func (s *Stream) Close() { s.Cancel(Cancelled) }

func (s *Stream) free() {
	delete(s.h.streams, s.c)
	C.resty_ffi_pull_call_free(s.c)
	s.c = nil
}
