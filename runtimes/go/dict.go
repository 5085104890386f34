package restyffi

import (
	"context"
	"math"
	"strconv"
	"time"
)

// Dict is a shared dict of the host (for nginx: a lua_shared_dict), which all workers and runtimes of the host share. Its
// methods wait for the host's answer, or until ctx is done. Any goroutine may call them, but not before the runtime serves:
// the function given to [Serve] is too early. What the host refuses comes back as an [*Error].
//
//	visits, err := rt.NamedDict("cache").Incr(ctx, "visits", 1)
//
// The host decides which dicts a runtime may use: dicts = { "cache" } in the options of ngx.load_ffi.
type Dict struct {
	rt   *Runtime
	name string // "": the first that the host allows
}

// Dict gives access to the first of the shared dicts that the runtime may use.
func (rt *Runtime) Dict() *Dict { return &rt.dict }

// NamedDict gives access to a shared dict by its name. A dict that the runtime may not use fails when it is used.
func (rt *Runtime) NamedDict(name string) *Dict { return &Dict{rt, name} }

// Get returns the value of key, nil if there is none.
func (d *Dict) Get(ctx context.Context, key string) ([]byte, error) {
	return d.ask(ctx, dictGet, key, "", 0)
}

// Set stores a value for the time ttl, in whole milliseconds, rounded up; 0 = for ever.
func (d *Dict) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	_, err := d.ask(ctx, dictSet, key, string(value), ttl)
	return err
}

// Add stores a value like Set, but only if key has none. It reports whether it stored it.
func (d *Dict) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	answer, err := d.ask(ctx, dictAdd, key, string(value), ttl)
	return answer != nil, err
}

// Incr adds by to the number stored at key, which counts from 0 if there is none, and returns the sum.
func (d *Dict) Incr(ctx context.Context, key string, by int64) (int64, error) {
	return d.IncrTTL(ctx, key, by, 0)
}

// IncrTTL is Incr; a key that it creates lives for the time ttl, as with Set.
func (d *Dict) IncrTTL(ctx context.Context, key string, by int64, ttl time.Duration) (int64, error) {
	value, err := d.ask(ctx, dictIncr, key, strconv.FormatInt(by, 10), ttl)
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
	if ttl < 0 {
		return nil, Errorf(CodeBadArgument, "the time to live of %q is %v; it must not be negative", key, ttl)
	}
	if short := ttl % time.Millisecond; short > 0 && ttl < math.MaxInt64-time.Millisecond {
		ttl += time.Millisecond - short
	}
	id, answer := d.rt.dicts.expect()
	if answer == nil {
		return nil, d.rt.unloaded()
	}
	send := func() { d.rt.queue.dict(id, op, d.name+key+value, len(d.name), len(key), ttl) }
	if err := d.rt.gate.enter(send); err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		return a.value, a.err
	case <-ctx.Done():
		d.rt.dicts.forget(id)
		return nil, ctx.Err()
	}
}
