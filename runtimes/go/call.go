package restyffi

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// call is one call in flight and the context of its handler, in one allocation. context.WithDeadline would cost a timer,
// which is not needed: the host cancels the call at its deadline.
type call struct {
	rt       *Runtime
	id       uint64
	deadline uint64 // CLOCK_MONOTONIC in ns, 0 = none
	method   *method
	request  payload
	next     *call   // in the callTable
	stream   *Stream // nil: a plain call

	state  atomic.Uint32
	mu     sync.Mutex    // guards the fields below
	done   chan struct{} // made by the first call of Done
	closed bool          // whether done is closed
	after  map[*func()]struct{}
}

// Bits of call.state. A call whose Done and AfterFunc are not used never takes the lock.
const (
	answered  = 1 << iota // the END has been sent to the host, or is being sent
	cancelled             // the context is done
	expired               // the context is done because of the deadline
	watched               // there is a done channel, an AfterFunc or a stream
)

var _ context.Context = (*call)(nil)

// startTime and startClock are the same instant on time's and on the host's clock.
var startTime, startClock = time.Now(), clock()

func (c *call) Deadline() (deadline time.Time, ok bool) {
	if c.deadline == 0 {
		return time.Time{}, false
	}
	return startTime.Add(time.Duration(int64(c.deadline) - startClock)), true
}

func (c *call) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		// cancel sets its bit before it looks for this one, so one of the two goroutines closes the channel.
		if c.state.Or(watched)&(cancelled|expired) != 0 {
			c.closed = true
			close(c.done)
		}
	}
	return c.done
}

func (c *call) Err() error { return errOf(c.state.Load()) }

func errOf(state uint32) error {
	switch {
	case state&expired != 0:
		return context.DeadlineExceeded
	case state&cancelled != 0:
		return context.Canceled
	}
	return nil
}

func (c *call) Value(any) any { return nil }

func (c *call) String() string { return fmt.Sprintf("restyffi call %d of %q", c.id, c.method.name) }

// AfterFunc arranges for f to run on a goroutine of its own when the call is cancelled. Package context looks for this
// method: because of it, a context derived from a call costs no goroutine.
func (c *call) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Or(watched)&(cancelled|expired) != 0 {
		go f()
		return func() bool { return false }
	}
	if c.after == nil {
		c.after = make(map[*func()]struct{})
	}
	key := &f
	c.after[key] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waiting := c.after[key]
		delete(c.after, key)
		return waiting
	}
}

// cancel makes the context of the call done; why is cancelled or expired.
func (c *call) cancel(why uint32) {
	for {
		state := c.state.Load()
		if state&(cancelled|expired) != 0 {
			return
		}
		if c.state.CompareAndSwap(state, state|why) {
			c.notify(state)
			return
		}
	}
}

// notify wakes the goroutines that watch the context, if state has the bit watched.
func (c *call) notify(state uint32) {
	if state&watched == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil && !c.closed {
		c.closed = true
		close(c.done)
	}
	for f := range c.after {
		go (*f)()
	}
	c.after = nil
	if c.stream != nil {
		c.stream.wake()
	}
}

// claim reports whether the END has not been sent yet. If so, the caller must send it.
func (c *call) claim() bool { return c.state.Or(answered)&answered == 0 }

// run calls the handler and answers the call. The call is answered whatever the handler does, even if it ends the
// goroutine.
func (c *call) run() {
	var response []byte
	err := errNoAnswer
	defer func() {
		if p := recover(); p != nil {
			err = c.panicked(p)
		}
		c.finish(response, err)
	}()
	if gone := c.Err(); gone != nil {
		err = gone
		return
	}
	response, err = c.method.handler(c, c.request.bytes())
}

// panicked logs a panic of the handler with its stack, and returns the error that the caller sees.
func (c *call) panicked(p any) error {
	c.rt.logger.Error("The handler of a method panicked.", "method", c.method.name, "panic", p, "stack", string(debug.Stack()))
	return &panicError{p}
}

// finish ends the call. It sends the answer, unless the call has already been answered.
func (c *call) finish(response []byte, err error) {
	state := c.state.Or(answered | cancelled)
	if state&answered == 0 {
		c.answer(response, err, state)
	} else {
		c.rt.queue.free(c.request)
	}
	c.notify(state)
	c.rt.calls.remove(c)
}

// answer sends the END; state is the state that the call had before it.
func (c *call) answer(response []byte, err error, state uint32) {
	a := answer{id: c.id, data: response, request: c.request}
	if err != nil {
		code, text := describe(err, errOf(state))
		a.status, a.data = code, []byte(text)
	}
	c.rt.batch.send(a)
}
