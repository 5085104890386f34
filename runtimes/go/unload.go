package restyffi

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// unloadTimeout is how long handlers have to return once the runtime is to end.
const unloadTimeout = time.Second

// obedience is how long a function given to OnUnload has to return once its context is done.
const obedience = 100 * time.Millisecond

// unload ends the runtime: everything that runs is told so, every call gets its answer, and the queue goes back to the
// host. It runs on the goroutine that polled last; the calls that were polled before are run by others.
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
	// A handler that is still running looks at its request, which is the queue's memory: the queue is closed only once
	// the last one has returned.
	rt.waitForCalls(0)
	rt.gate.close(rt.unloaded())
	rt.poller.file.Close()
	rt.queue.close()
}

// runOnUnload runs what was given to OnUnload, until end.
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
	case <-done: // those that obey say so themselves
	case <-time.After(obedience):
		rt.logger.Error("A function given to OnUnload has not returned in its time (drain_timeout, worker_shutdown_timeout); it is left behind.")
	}
}

// runOne runs one function on its goroutine, which it may end.
func (rt *Runtime) runOne(ctx context.Context, f func(context.Context) error) {
	err := errors.New("it ended its goroutine with runtime.Goexit instead of returning")
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				err = &panicError{p}
				rt.logger.Error("A function given to OnUnload panicked.", "panic", p, "stack", string(debug.Stack()))
			}
		}()
		err = f(ctx)
	}()
	<-done
	if err != nil {
		rt.logger.Error("A function given to OnUnload failed.", "error", err)
	}
}

// waitForCalls waits until no call is in flight, for at most limit, 0 = for ever. Looking now and then costs something
// once, at the end; keeping count would cost every call.
func (rt *Runtime) waitForCalls(limit time.Duration) {
	pause := 100 * time.Microsecond
	for start := time.Now(); len(rt.calls.all()) > 0 && (limit == 0 || time.Since(start) < limit); {
		time.Sleep(pause)
		pause = min(2*pause, 10*time.Millisecond)
	}
}
