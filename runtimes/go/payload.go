package restyffi

// #include "bridge.h"
import "C"

import "unsafe"

// payload is the memory, from the queue's pool, that a frame carries.
type payload struct {
	data  C.uintptr_t
	len   int
	isNil bool
}

func payloadOf(f *frame) payload {
	return payload{data: f.data, len: int(f.len), isNil: f.flags&C.RESTY_FFI_NIL != 0}
}

// bytes returns the payload without copying it: nil if the frame has none, empty but not nil if it is empty.
func (p payload) bytes() []byte {
	switch {
	case p.isNil:
		return nil
	case p.len == 0:
		return []byte{}
	}
	return p.view()
}

func (p payload) view() []byte {
	// Converted through the address of the variable: vet does not know that the number points outside Go's memory.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&p.data)), p.len)
}

// answer is the END of a call.
type answer struct {
	id      uint64
	status  int32
	data    []byte  // nil: no payload at all
	request payload // freed or reused when the answer is sent
}

func (a answer) frame() frame {
	f := frame{kind: kindData, flags: flagEnd, status: C.int32_t(a.status), id: C.uint64_t(a.id)}
	f.len = C.uint64_t(len(a.data))
	f.release = a.request.data
	if a.data == nil {
		f.flags |= flagNil
	}
	return f
}

// inPlace puts the answer into the memory of the request, if that is large enough. This needs no other memory, and no copy
// if the answer starts where the request does.
func (a answer) inPlace() (frame, bool) {
	if len(a.data) == 0 {
		return a.frame(), true
	}
	if len(a.data) > a.request.len {
		return frame{}, false
	}
	f := a.frame()
	copy(a.request.view(), a.data)
	f.data, f.release = a.request.data, 0
	return f, true
}

// in puts the answer into memory of the queue. It reports whether there is any, which is not the case if memory is 0.
func (a answer) in(memory C.uintptr_t) (frame, bool) {
	if memory == 0 {
		return frame{}, false
	}
	f := a.frame()
	f.data = memory
	copy(payload{data: memory, len: len(a.data)}.view(), a.data)
	return f, true
}
