package restyffi

import "sync"

// batch holds what the goroutines of a runtime's chain share: the calls that have come and that nobody runs yet, and the
// answers that wait to be sent together. An answer waits only while there is an heir, a successor that has been started
// and has not begun: it will send what waits, even if the handler that runs now never returns.
type batch struct {
	queue queue

	mu      sync.Mutex
	store   [batchSize]*call
	calls   []*call // what is left of store
	answers [batchSize]frame
	waiting int // how many answers
	heir    bool
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

// expectHeir is called before the successor is started.
func (b *batch) expectHeir() {
	b.mu.Lock()
	b.heir = true
	b.mu.Unlock()
}

// begin is the first thing that the successor does. It returns the next call, nil if none is left.
func (b *batch) begin() *call {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heir = false
	b.flush()
	return b.next()
}

// take returns the next call, nil if none is left; then no answer waits any longer.
func (b *batch) take() *call {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.next()
	if c == nil {
		b.flush()
	}
	return c
}

// next and flush are called with mu held.
func (b *batch) next() *call {
	if len(b.calls) == 0 {
		return nil
	}
	c := b.calls[0]
	b.calls[0] = nil
	b.calls = b.calls[1:]
	return c
}

func (b *batch) flush() {
	if b.waiting > 0 {
		b.queue.send(b.answers[:b.waiting])
		b.waiting = 0
	}
}

// send sends an answer at once, or together with those to other calls.
func (b *batch) send(a answer) {
	f, ok := a.inPlace()
	if !ok {
		// Into new memory: one crossing to get it, unless the answer is sent with the same crossing.
		if b.alone() {
			b.queue.copy(a)
			return
		}
		if f, ok = a.in(b.queue.alloc(len(a.data))); !ok {
			b.queue.copy(a) // fails for the same reason, and tells the caller
			return
		}
	}
	if !b.add(f) {
		b.queue.send([]frame{f})
	}
}

// alone says whether an answer would not wait.
func (b *batch) alone() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.isAlone()
}

func (b *batch) isAlone() bool { return !b.heir || b.waiting == 0 && len(b.calls) == 0 }

func (b *batch) add(f frame) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.isAlone() {
		return false
	}
	if b.waiting == batchSize {
		b.flush()
	}
	b.answers[b.waiting] = f
	b.waiting++
	return true
}
