package restyffi

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// call is one call in flight, and the context that its handler gets. One allocation serves as both: context.WithDeadline
// would cost a timer, which nobody needs because the host cancels the call at its deadline.
type call struct {
	rt       *Runtime
	id       uint64
	deadline uint64 // CLOCK_MONOTONIC in ns, 0 = none
	method   *method
	request  payload
	next     *call // in the callTable

	mu       sync.Mutex
	answered bool // the host has the END, or is being sent it
	err      error
	done     chan struct{} // made by the first Done
	after    map[*func()]struct{}
}

var _ context.Context = (*call)(nil)

// now and nowClock are the same instant on time's and on the host's clock.
var now, nowClock = time.Now(), clock()

func (c *call) Deadline() (deadline time.Time, ok bool) {
	if c.deadline == 0 {
		return time.Time{}, false
	}
	return now.Add(time.Duration(int64(c.deadline) - nowClock)), true
}

func (c *call) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

func (c *call) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *call) Value(any) any { return nil }

func (c *call) String() string { return fmt.Sprintf("restyffi call %d of %q", c.id, c.method.name) }

// AfterFunc arranges for f to run on a goroutine of its own when the call is cancelled. Package context looks for this
// method: with it, a context derived from a call's costs no goroutine.
func (c *call) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
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

// cancel tells the handler that nobody waits any more.
func (c *call) cancel() {
	err := context.Canceled
	if c.deadline != 0 && clock() >= int64(c.deadline) {
		err = context.DeadlineExceeded
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(err)
}

// end makes the context done. The caller holds mu.
func (c *call) end(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	if c.done != nil {
		close(c.done)
	}
	for f := range c.after {
		go (*f)()
	}
	c.after = nil
}

// claim reports whether the call is still owed its END, and makes the caller the one to send it.
func (c *call) claim() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered {
		return false
	}
	c.answered = true
	return true
}

// run answers the call with what its handler returns. Whatever the handler does, this returns or ends its goroutine, and
// the call has its answer.
func (c *call) run() {
	var response []byte
	err := errNoAnswer
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p}
			c.rt.logger.Error("The handler of a method panicked.", "method", c.method.name, "panic", p, "stack", string(debug.Stack()))
		}
		c.finish(response, err)
	}()
	if err = c.Err(); err == nil {
		response, err = c.method.handler(c, c.request.bytes())
	}
}

// finish sends the answer, unless the call had it already, and ends the call.
func (c *call) finish(response []byte, err error) {
	c.mu.Lock()
	owed, cancelled := !c.answered, c.err
	c.answered = true
	c.end(context.Canceled)
	c.mu.Unlock()

	switch {
	case !owed:
		c.rt.queue.free(c.request)
	case err == nil:
		c.rt.queue.answer(c.id, c.request, response)
	default:
		code, text := describe(err, cancelled)
		c.rt.queue.fail(c.id, c.request, code, text)
	}
	c.rt.calls.remove(c)
}
