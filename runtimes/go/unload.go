package restyffi

import (
	"fmt"
	"time"
)

// unloadTimeout is how long handlers have to return once the runtime is to end.
const unloadTimeout = time.Second

// unload ends the runtime: everything that runs is told so, every call gets its answer, and the queue goes back to the
// host. It runs on the goroutine that polled last; the calls that were polled before are run by others.
func (rt *Runtime) unload() {
	rt.cancel()
	rt.dicts.end(rt.unloaded())
	for _, c := range rt.calls.all() {
		c.cancel(cancelled)
	}
	rt.waitForCalls(unloadTimeout)
	for _, c := range rt.calls.all() {
		if c.claim() {
			text := fmt.Sprintf("runtime %q was unloaded while its method %q was running", rt.name, c.method.name)
			rt.queue.copy(answer{id: c.id, status: CodeUnloaded, data: []byte(text)})
		}
	}
	// A handler that is still running looks at its request, which is the queue's memory: the queue is closed only once
	// the last one has returned.
	rt.waitForCalls(0)
	rt.gate.close(rt.unloaded())
	rt.poller.file.Close()
	rt.queue.close()
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
