package restyffi

import "sync"

// batch holds what the goroutines of a runtime's chain share: calls that have arrived and do not run yet, and answers that
// wait to be sent together. Answers wait only while there is an heir, which is a successor that was started and has not
// begun: the heir sends them, even if the handler that runs now never returns.
type batch struct {
	queue queue

	mu      sync.Mutex
	store   [batchSize]*call
	calls   []*call // what is left of store
	answers [batchSize]frame
	waiting int // how many answers
	heir    bool
}

// room returns the space in which the goroutine that polls collects calls for fill. The batch is empty then, and no other
// goroutine adds to it.
func (b *batch) room() []*call { return b.store[:0] }

// fill makes all calls but the first available to take, and returns the first.
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

// begin is the first thing that a successor does. It returns the next call, or nil if none is left.
func (b *batch) begin() *call {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heir = false
	b.flush()
	return b.next()
}

// take returns the next call. If none is left, it sends the answers that wait and returns nil.
func (b *batch) take() *call {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.next()
	if c == nil {
		b.flush()
	}
	return c
}

// The caller of next and flush holds mu.
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
		// The answer needs new memory. An answer that does not wait gets it with the crossing that sends the answer.
		if b.alone() {
			b.queue.copy(a)
			return
		}
		if f, ok = a.in(b.queue.alloc(len(a.data))); !ok {
			b.queue.copy(a) // fails for the same reason, and so informs the caller
			return
		}
	}
	if !b.add(f) {
		b.queue.send([]frame{f})
	}
}

// alone reports whether an answer would be sent at once.
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
