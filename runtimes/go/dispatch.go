package restyffi

import (
	"fmt"
	"sync"
)

// serve is one goroutine in the chain that works for a runtime. It waits for calls until it has some, starts its
// successor, and then runs calls until none is left. So a handler that returns at once is followed by the next call on
// the same goroutine, with its stack grown and its caches warm; and when a handler blocks, the scheduler goes on with the
// successor, which takes over the calls that were left. Every handler is as independent as on a goroutine of its own, for
// one go statement per batch instead of one per call.
//
// There is one goroutine at a time that has not started its successor yet: it alone polls.
func (rt *Runtime) serve() {
	c := rt.batch.take()
	for c == nil {
		frames := rt.poller.wait()
		if frames == nil {
			rt.unload()
			return
		}
		c = rt.receive(frames)
	}
	go rt.serve()
	for ; c != nil; c = rt.batch.take() {
		c.run()
	}
}

// receive sorts frames: calls are put into the batch, except for the first one, which it returns, nil if there is none.
func (rt *Runtime) receive(frames []frame) *call {
	calls := rt.batch.room()
	for i := range frames {
		switch f := &frames[i]; f.kind {
		case kindCall:
			if c := rt.accept(f); c != nil {
				calls = append(calls, c)
			}
		case kindCancel:
			if c := rt.calls.find(uint64(f.id)); c != nil {
				c.cancel()
			}
			rt.queue.free(payloadOf(f))
		case kindDict:
			rt.dict.deliver(f)
		default:
			rt.queue.free(payloadOf(f))
		}
	}
	return rt.batch.fill(calls)
}

// accept notes a call as in flight. A call that no handler can take is answered here, and nil is returned.
func (rt *Runtime) accept(f *frame) *call {
	m := rt.methods.get(rt, uint32(f.method))
	switch {
	case m.handler == nil:
		rt.queue.fail(uint64(f.id), payloadOf(f), CodeNoMethod, m.missing)
		return nil
	case f.flags&flagEnd == 0:
		rt.queue.fail(uint64(f.id), payloadOf(f), CodeNoMethod, fmt.Sprintf("method %q takes no stream", m.name))
		return nil
	}
	c := &call{rt: rt, id: uint64(f.id), deadline: uint64(f.deadline), method: m, request: payloadOf(f)}
	rt.calls.add(c)
	return c
}

// batch holds the calls that have come and that no goroutine runs yet.
type batch struct {
	mu    sync.Mutex
	store [batchSize]*call
	calls []*call // what is left of store
}

// room is where the goroutine that polls collects calls for fill; the batch is empty then, and nobody else adds to it.
func (b *batch) room() []*call { return b.store[:0] }

// fill hands out all calls but the first, which it returns.
func (b *batch) fill(calls []*call) *call {
	if len(calls) == 0 {
		return nil
	}
	first := calls[0]
	calls[0] = nil
	b.mu.Lock()
	b.calls = calls[1:]
	b.mu.Unlock()
	return first
}

// take returns nil if no call is left.
func (b *batch) take() *call {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.calls) == 0 {
		return nil
	}
	c := b.calls[0]
	b.calls[0] = nil
	b.calls = b.calls[1:]
	return c
}
