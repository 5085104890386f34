package restyffi

import (
	"context"
	"math"
	"strconv"
	"sync"
	"time"
)

// Dict is the host's shared dict (for nginx: a lua_shared_dict), which all workers and runtimes of the host share. Its
// methods wait for the host's answer, or until ctx is done. Any goroutine may call them, but not before the runtime serves:
// the function given to [Serve] is too early. What the host refuses comes back as an [*Error].
type Dict struct {
	rt      *Runtime
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan dictAnswer // nil when the runtime is unloaded
}

type dictAnswer struct {
	value []byte
	err   error
}

// Dict gives access to the host's shared dict.
func (rt *Runtime) Dict() *Dict { return &rt.dict }

// Get returns the value of key, nil if there is none.
func (d *Dict) Get(ctx context.Context, key string) ([]byte, error) {
	return d.ask(ctx, dictGet, key, "", 0)
}

// Set stores a value for the time ttl, in whole milliseconds, rounded up; 0 = for ever.
func (d *Dict) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl < 0 {
		return Errorf(CodeBadArgument, "the time to live of %q is %v; it must not be negative", key, ttl)
	}
	if short := ttl % time.Millisecond; short > 0 && ttl < math.MaxInt64-time.Millisecond {
		ttl += time.Millisecond - short
	}
	_, err := d.ask(ctx, dictSet, key, string(value), ttl)
	return err
}

// Incr adds by to the number stored at key, which counts from 0 if there is none, and returns the sum.
func (d *Dict) Incr(ctx context.Context, key string, by int64) (int64, error) {
	value, err := d.ask(ctx, dictIncr, key, strconv.FormatInt(by, 10), 0)
	if err != nil {
		return 0, err
	}
	if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
		return n, nil
	}
	// The host may hold numbers as floating point and write large ones with an exponent.
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<63-1024 {
		return 0, Errorf(CodeBadArgument, "the value of %q is now %q, which is not a whole number of 64 bits", key, value)
	}
	return int64(f), nil
}

// Delete removes key. It is no error if there is none.
func (d *Dict) Delete(ctx context.Context, key string) error {
	_, err := d.ask(ctx, dictDelete, key, "", 0)
	return err
}

func (d *Dict) ask(ctx context.Context, op dictOp, key, value string, ttl time.Duration) ([]byte, error) {
	if !d.rt.serving.Load() {
		return nil, Errorf(CodeBadPhase, "the shared dict was used while runtime %q was being set up; use it from a handler", d.rt.name)
	}
	answer := make(chan dictAnswer, 1)
	d.mu.Lock()
	if d.waiting == nil {
		d.mu.Unlock()
		return nil, d.rt.unloaded()
	}
	d.last++
	id := d.last
	d.waiting[id] = answer
	d.mu.Unlock()

	if err := d.rt.gate.enter(func() { d.rt.queue.dict(id, op, key+value, len(key), ttl) }); err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		return a.value, a.err
	case <-ctx.Done():
		d.mu.Lock()
		delete(d.waiting, id)
		d.mu.Unlock()
		return nil, ctx.Err()
	}
}

// deliver hands an answer to whoever waits for it.
func (d *Dict) deliver(f *frame) {
	p := payloadOf(f)
	defer d.rt.queue.free(p)
	d.mu.Lock()
	answer := d.waiting[uint64(f.id)]
	delete(d.waiting, uint64(f.id))
	d.mu.Unlock()
	switch {
	case answer == nil:
	case f.status != 0:
		answer <- dictAnswer{err: &Error{Code: int(f.status), Message: string(p.bytes())}}
	case p.isNil:
		answer <- dictAnswer{}
	default:
		answer <- dictAnswer{value: append([]byte{}, p.bytes()...)}
	}
}

// end fails everything that waits: no answers come any more.
func (d *Dict) end() {
	d.mu.Lock()
	waiting := d.waiting
	d.waiting = nil
	d.mu.Unlock()
	for _, answer := range waiting {
		answer <- dictAnswer{err: d.rt.unloaded()}
	}
}
