package restyffi

/*
#cgo CFLAGS: -O2
#cgo noescape restyffi_poll
#cgo nocallback restyffi_poll
#cgo noescape restyffi_answer
#cgo nocallback restyffi_answer
#cgo noescape restyffi_answer_moved
#cgo nocallback restyffi_answer_moved
#cgo noescape restyffi_log
#cgo nocallback restyffi_log
#cgo noescape restyffi_dict
#cgo nocallback restyffi_dict
#cgo noescape restyffi_free
#cgo nocallback restyffi_free
#include "bridge.h"
*/
import "C"

import (
	"strings"
	"time"
	"unsafe"
)

// batchSize is how many frames one poll takes at most.
const batchSize = 64

// queue is the address of the host's resty_ffi_queue: everything here may be called from any goroutine until close.
type queue uintptr

type frame = C.restyffi_frame

// poll takes frames without waiting: how many there were, or a negative number when the runtime is to end.
func (q queue) poll(out *[batchSize]frame) int {
	return int(C.restyffi_poll(C.uintptr_t(q), &out[0], batchSize))
}

// answer ends a call and frees its request. A nil response is sent as none at all. A response that starts where the
// request does is the request, perhaps shortened or changed in place: it moves.
func (q queue) answer(id uint64, request payload, response []byte) {
	data := unsafe.SliceData(response)
	switch {
	case len(response) > 0 && uintptr(unsafe.Pointer(data)) == uintptr(request.data):
		C.restyffi_answer_moved(C.uintptr_t(q), C.uint64_t(id), request.data, C.uint64_t(len(response)))
	case response == nil:
		C.restyffi_answer(C.uintptr_t(q), C.uint64_t(id), 0, C.RESTY_FFI_NIL, nil, 0, request.data)
	default:
		C.restyffi_answer(C.uintptr_t(q), C.uint64_t(id), 0, 0,
			(*C.char)(unsafe.Pointer(data)), C.uint64_t(len(response)), request.data)
	}
}

// fail ends a call with an error and frees its request.
func (q queue) fail(id uint64, request payload, status int32, text string) {
	C.restyffi_answer(C.uintptr_t(q), C.uint64_t(id), C.int32_t(status), 0, chars(text), C.uint64_t(len(text)), request.data)
}

func (q queue) log(level int32, text []byte) {
	C.restyffi_log(C.uintptr_t(q), C.int32_t(level),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(text))), C.uint64_t(len(text)))
}

// dict sends a request to the host's shared dict. data is the key, then the value.
func (q queue) dict(id uint64, op dictOp, data string, keyLen int, ttl time.Duration) {
	C.restyffi_dict(C.uintptr_t(q), C.uint64_t(id), C.uint32_t(op), chars(data), C.uint64_t(len(data)),
		C.uint64_t(keyLen), C.uint64_t(ttl.Milliseconds()))
}

func (q queue) free(p payload) {
	if p.data != 0 {
		C.restyffi_free(C.uintptr_t(q), p.data)
	}
}

func (q queue) descriptor() int { return int(C.restyffi_fd(C.uintptr_t(q))) }

// method is the name behind a CALL frame's number.
func (q queue) method(number uint32) string {
	var n C.size_t
	name := C.restyffi_method(C.uintptr_t(q), C.uint32_t(number), &n)
	return strings.Clone(unsafe.String((*byte)(unsafe.Pointer(name)), int(n)))
}

func (q queue) config() (text string, ok bool) {
	var n C.size_t
	text0 := C.restyffi_config(C.uintptr_t(q), &n)
	if text0 == nil {
		return "", false
	}
	return strings.Clone(unsafe.String((*byte)(unsafe.Pointer(text0)), int(n))), true
}

func (q queue) name() string { return C.GoString(C.restyffi_name(C.uintptr_t(q))) }

// explain tells the host why the load fails.
func (q queue) explain(text string) {
	C.restyffi_fail(C.uintptr_t(q), chars(text), C.size_t(len(text)))
}

func (q queue) close() { C.restyffi_close(C.uintptr_t(q)) }

func chars(s string) *C.char { return (*C.char)(unsafe.Pointer(unsafe.StringData(s))) }

// payload is memory of the queue's pool that came with a frame.
type payload struct {
	data  C.uintptr_t
	len   int
	isNil bool
}

func payloadOf(f *frame) payload {
	return payload{data: f.data, len: int(f.len), isNil: f.flags&C.RESTY_FFI_NIL != 0}
}

// bytes views the payload: nil if there is none, empty but not nil if it is empty.
func (p payload) bytes() []byte {
	switch {
	case p.isNil:
		return nil
	case p.len == 0:
		return []byte{}
	}
	// The address of the field, not the number: vet cannot know that this number points outside Go's memory.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&p.data)), p.len)
}
