package restyffi

// serve is one goroutine in the chain that works for a runtime. It waits for calls until it has some, starts its
// successor, and then runs calls until none is left. So a handler that returns at once is followed by the next call on
// the same goroutine, with its stack grown and its caches warm, and their answers go out together; and when a handler
// blocks, the scheduler goes on with the successor, which sends the answers and takes over the calls that were left.
// Every handler is as independent as on a goroutine of its own, for one go statement per batch instead of one per call.
//
// There is one goroutine at a time that has not started its successor yet: it alone polls.
func (rt *Runtime) serve() {
	c := rt.batch.begin()
	for c == nil {
		frames := rt.poller.wait()
		if frames == nil {
			rt.unload()
			return
		}
		c = rt.receive(frames)
	}
	rt.batch.expectHeir()
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
		case kindData:
			rt.deliver(f)
		case kindWindow:
			rt.widen(f)
		case kindCancel:
			rt.cancelCall(f)
		case kindDict:
			rt.dicts.deliver(rt.queue, f)
		default:
			rt.queue.free(payloadOf(f))
		}
	}
	return rt.batch.fill(calls)
}

// accept notes a call as in flight. For a stream, which has a goroutine of its own, it returns nil, and for a call that no
// handler can take, which is answered here.
func (rt *Runtime) accept(f *frame) *call {
	m := rt.methods.get(rt, uint32(f.method))
	switch {
	case f.arg != 0:
		rt.open(f, m)
		return nil
	case m.handler == nil:
		rt.refuse(f, m)
		return nil
	}
	c := &call{rt: rt, id: uint64(f.id), deadline: uint64(f.deadline), method: m, request: payloadOf(f)}
	rt.calls.add(c)
	return c
}

func (rt *Runtime) cancelCall(f *frame) {
	rt.queue.free(payloadOf(f))
	c := rt.calls.find(uint64(f.id))
	switch {
	case c == nil:
	case f.status == CodeTimeout, c.deadline != 0 && clock() >= int64(c.deadline):
		c.cancel(expired)
	default:
		c.cancel(cancelled)
	}
}

// open starts a stream.
func (rt *Runtime) open(f *frame, m *method) {
	if m.handler == nil && m.stream == nil {
		rt.refuse(f, m)
		return
	}
	s := newStream(rt, m, f)
	rt.calls.add(&s.call)
	go s.run()
}

// deliver hands a message of the client to its stream.
func (rt *Runtime) deliver(f *frame) {
	p := payloadOf(f)
	if c := rt.calls.find(uint64(f.id)); c == nil || c.stream == nil || !c.stream.push(p, f.flags&flagEnd != 0) {
		rt.queue.free(p)
	}
}

// widen lets a stream send more.
func (rt *Runtime) widen(f *frame) {
	rt.queue.free(payloadOf(f))
	if c := rt.calls.find(uint64(f.id)); c != nil && c.stream != nil {
		c.stream.widen(int64(f.arg))
	}
}

func (rt *Runtime) refuse(f *frame, m *method) {
	rt.queue.copy(answer{id: uint64(f.id), status: m.code, data: []byte(m.missing), request: payloadOf(f)})
}
