package restyffi

import "sync"

// dictExchange hands the host's answers about shared dicts to the goroutines that wait for them.
type dictExchange struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan dictAnswer // nil once the runtime is unloaded
}

type dictAnswer struct {
	value []byte
	err   error
}

// expect returns the id of a new request, and the channel for its answer, which is nil once the runtime is unloaded.
func (e *dictExchange) expect() (id uint64, answer chan dictAnswer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting == nil {
		return 0, nil
	}
	e.last++
	answer = make(chan dictAnswer, 1)
	e.waiting[e.last] = answer
	return e.last, answer
}

// forget removes a request and returns the channel for its answer, or nil if no goroutine waits for it.
func (e *dictExchange) forget(id uint64) chan dictAnswer {
	e.mu.Lock()
	defer e.mu.Unlock()
	answer := e.waiting[id]
	delete(e.waiting, id)
	return answer
}

// deliver hands an answer to the goroutine that waits for it.
func (e *dictExchange) deliver(q queue, f *frame) {
	p := payloadOf(f)
	defer q.free(p)
	switch answer := e.forget(uint64(f.id)); {
	case answer == nil:
	case f.status != 0:
		answer <- dictAnswer{err: &Error{Code: int(f.status), Message: string(p.bytes())}}
	case p.isNil:
		answer <- dictAnswer{}
	default:
		answer <- dictAnswer{value: append([]byte{}, p.bytes()...)}
	}
}

// end fails all requests that wait with the error why: no more answers arrive.
func (e *dictExchange) end(why error) {
	e.mu.Lock()
	waiting := e.waiting
	e.waiting = nil
	e.mu.Unlock()
	for _, answer := range waiting {
		answer <- dictAnswer{err: why}
	}
}
