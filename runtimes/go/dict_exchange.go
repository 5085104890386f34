package restyffi

import "sync"

// dictExchange matches the answers of the host's shared dicts with those who wait for them.
type dictExchange struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan dictAnswer // nil when the runtime is unloaded
}

type dictAnswer struct {
	value []byte
	err   error
}

// expect returns the number of a new request and where its answer will arrive, nil if none can.
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

// forget takes a request out, and returns where its answer was to arrive, nil if nobody waits for it.
func (e *dictExchange) forget(id uint64) chan dictAnswer {
	e.mu.Lock()
	defer e.mu.Unlock()
	answer := e.waiting[id]
	delete(e.waiting, id)
	return answer
}

// deliver hands an answer to whoever waits for it.
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

// end fails everything that waits, with why: no answers come any more.
func (e *dictExchange) end(why error) {
	e.mu.Lock()
	waiting := e.waiting
	e.waiting = nil
	e.mu.Unlock()
	for _, answer := range waiting {
		answer <- dictAnswer{err: why}
	}
}
