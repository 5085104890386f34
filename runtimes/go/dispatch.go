package restyffi

// serve is one goroutine of the chain that works for a runtime. It polls until calls arrive, starts its successor, and
// then runs calls until none is left. After a handler that returns at once, the next call runs on the same goroutine, with
// its stack grown and its caches warm, and the answers are sent together. When a handler blocks, the scheduler runs the
// successor, which sends the answers and takes over the calls that are left. So each handler is as independent as on a
// goroutine of its own, at the price of one go statement for each batch and not for each call.
//
// At any time exactly one goroutine has not started its successor yet, and only that goroutine polls.
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

// receive handles frames. It puts the calls into the batch, except for the first one, which it returns; nil means that the
// frames had no call.
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

// accept registers a call as in flight and returns it. It returns nil for a stream, which it starts on a goroutine of its
// own, and for a call without a handler, which it answers.
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

// deliver hands a message from the client to its stream.
func (rt *Runtime) deliver(f *frame) {
	p := payloadOf(f)
	if c := rt.calls.find(uint64(f.id)); c == nil || c.stream == nil || !c.stream.push(p, f.flags&flagEnd != 0) {
		rt.queue.free(p)
	}
}

// widen adds to the window in which a stream may send.
func (rt *Runtime) widen(f *frame) {
	rt.queue.free(payloadOf(f))
	if c := rt.calls.find(uint64(f.id)); c != nil && c.stream != nil {
		c.stream.widen(int64(f.arg))
	}
}

func (rt *Runtime) refuse(f *frame, m *method) {
	rt.queue.copy(answer{id: uint64(f.id), status: m.code, data: []byte(m.missing), request: payloadOf(f)})
}
