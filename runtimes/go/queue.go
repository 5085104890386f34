package restyffi

/*
#cgo CFLAGS: -O2
#cgo noescape restyffi_poll
#cgo nocallback restyffi_poll
#cgo noescape restyffi_send
#cgo nocallback restyffi_send
#cgo noescape restyffi_send_copy
#cgo nocallback restyffi_send_copy
#cgo noescape restyffi_send_message
#cgo nocallback restyffi_send_message
#cgo noescape restyffi_window
#cgo nocallback restyffi_window
#cgo noescape restyffi_alloc
#cgo nocallback restyffi_alloc
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

// batchSize is the largest number of frames that one poll takes.
const batchSize = 64

// queue is the address of the host's resty_ffi_queue. Its methods are safe for concurrent use until close.
type queue uintptr

type frame = C.restyffi_frame

// poll takes frames without waiting. It returns their number, or a negative number when the runtime is to end.
func (q queue) poll(out *[batchSize]frame) int {
	return int(C.restyffi_poll(C.uintptr_t(q), &out[0], batchSize))
}

// send sends frames whose data is in memory of the queue.
func (q queue) send(frames []frame) {
	C.restyffi_send(C.uintptr_t(q), &frames[0], C.int(len(frames)))
}

// copy sends an answer whose data is in Go's memory.
func (q queue) copy(a answer) {
	f := a.frame()
	C.restyffi_send_copy(C.uintptr_t(q), &f, (*C.char)(unsafe.Pointer(unsafe.SliceData(a.data))))
}

// message sends a message of a stream whose data is in Go's memory. It reports whether the queue had memory for it.
func (q queue) message(id uint64, data []byte) bool {
	return bool(C.restyffi_send_message(C.uintptr_t(q), C.uint64_t(id),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(data))), C.uint64_t(len(data))))
}

// giveBack adds to the window in which the client of a stream may send, and frees a message.
func (q queue) giveBack(id uint64, bytes int64, spent payload) {
	C.restyffi_window(C.uintptr_t(q), C.uint64_t(id), C.uint64_t(bytes), spent.data)
}

// alloc returns memory for a payload, or 0 when memory runs out.
func (q queue) alloc(n int) C.uintptr_t { return C.restyffi_alloc(C.uintptr_t(q), C.size_t(n)) }

func (q queue) log(level int32, text []byte) {
	C.restyffi_log(C.uintptr_t(q), C.int32_t(level),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(text))), C.uint64_t(len(text)))
}

// dict sends a request to a shared dict of the host. data is the name of the dict, the key and the value, one after the
// other.
func (q queue) dict(id uint64, op dictOp, data string, zoneLen, keyLen int, ttl time.Duration) {
	C.restyffi_dict(C.uintptr_t(q), C.uint64_t(id), C.uint32_t(op), chars(data), C.uint64_t(len(data)),
		C.uint32_t(zoneLen), C.uint64_t(keyLen), C.uint64_t(ttl.Milliseconds()))
}

func (q queue) free(p payload) {
	if p.data != 0 {
		C.restyffi_free(C.uintptr_t(q), p.data)
	}
}

func (q queue) descriptor() int { return int(C.restyffi_fd(C.uintptr_t(q))) }

// method returns the name of the method that has this number in CALL frames.
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

// explain passes the reason why the load fails to the host.
func (q queue) explain(text string) {
	C.restyffi_fail(C.uintptr_t(q), chars(text), C.size_t(len(text)))
}

// finish informs the host whether the runtime, which is to end, has work to finish, and returns the time that the host
// allows for the work.
func (q queue) finish(busy bool) time.Duration {
	return time.Duration(C.restyffi_finish(C.uintptr_t(q), C.bool(busy))) * time.Millisecond
}

func (q queue) close() { C.restyffi_close(C.uintptr_t(q)) }

func chars(s string) *C.char { return (*C.char)(unsafe.Pointer(unsafe.StringData(s))) }
