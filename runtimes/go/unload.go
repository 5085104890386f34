package restyffi

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// unloadTimeout is the time that handlers have to return when the runtime is to end.
const unloadTimeout = time.Second

// obedience is the time that a function passed to OnUnload has to return once its context is done.
const obedience = 100 * time.Millisecond

// unload ends the runtime. It cancels all calls, answers them, and closes the queue. It runs on the goroutine that polled
// last; other goroutines run the calls that are left.
func (rt *Runtime) unload() {
	var left time.Duration
	handlers := unloadTimeout
	if len(rt.onUnload) > 0 {
		left = rt.queue.finish(true)
		handlers = min(handlers, left/2)
	}
	end := time.Now().Add(left)
	rt.cancel()
	rt.dicts.end(rt.unloaded())
	for _, c := range rt.calls.all() {
		c.cancel(cancelled)
	}
	rt.waitForCalls(handlers)
	for _, c := range rt.calls.all() {
		if c.claim() {
			text := fmt.Sprintf("runtime %q was unloaded while its method %q was running", rt.name, c.method.name)
			rt.queue.copy(answer{id: c.id, status: CodeUnloaded, data: []byte(text)})
		}
	}
	rt.runOnUnload(end)
	rt.queue.finish(false)
	// A handler that is still running may read its request, which is memory of the queue. So the queue is closed only after
	// the last handler has returned.
	rt.waitForCalls(0)
	rt.gate.close(rt.unloaded())
	rt.poller.file.Close()
	rt.queue.close()
}

// runOnUnload runs the functions passed to OnUnload. It returns when they have returned, or soon after end.
func (rt *Runtime) runOnUnload(end time.Time) {
	if len(rt.onUnload) == 0 {
		return
	}
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, f := range slices.Backward(rt.onUnload) {
			rt.runOne(ctx, f)
		}
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	select {
	case <-done: // a function that failed because its time was over has logged that
	case <-time.After(obedience):
		rt.logger.Error("A function passed to OnUnload did not return in time (drain_timeout, worker_shutdown_timeout); the runtime ends without it.")
	}
}

// runOne runs one function on a goroutine of its own, which the function may end.
func (rt *Runtime) runOne(ctx context.Context, f func(context.Context) error) {
	err := errors.New("it ended its goroutine with runtime.Goexit instead of returning")
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				err = &panicError{p}
				rt.logger.Error("A function passed to OnUnload panicked.", "panic", p, "stack", string(debug.Stack()))
			}
		}()
		err = f(ctx)
	}()
	<-done
	if err != nil {
		rt.logger.Error("A function passed to OnUnload failed.", "error", err)
	}
}

// waitForCalls waits until no call is in flight, for at most limit; 0 means without a limit. Polling costs something once,
// at the end. A counter would cost every call something.
func (rt *Runtime) waitForCalls(limit time.Duration) {
	pause := 100 * time.Microsecond
	for start := time.Now(); len(rt.calls.all()) > 0 && (limit == 0 || time.Since(start) < limit); {
		time.Sleep(pause)
		pause = min(2*pause, 10*time.Millisecond)
	}
}
