package restyffi

import (
	"context"
	"math"
	"strconv"
	"time"
)

// A Dict is a shared dict of the host (in nginx, a lua_shared_dict). All workers and runtimes of the host share it. The
// methods wait for the host's response or until ctx is done, and are safe for concurrent use. They fail with [CodeBadPhase]
// until the function passed to [Serve] has returned. When the host refuses a request, they return an [*Error].
//
// The host decides which dicts a runtime may use: dicts = { "cache" } in the options of ngx.load_ffi.
type Dict struct {
	rt   *Runtime
	name string // "": the first that the host allows
}

// Dict returns the first of the shared dicts that the runtime may use.
func (rt *Runtime) Dict() *Dict { return &rt.dict }

// NamedDict returns the shared dict of this name. If the runtime may not use it, the methods of the Dict fail.
func (rt *Runtime) NamedDict(name string) *Dict { return &Dict{rt, name} }

// Get returns the value of key, or nil if key has no value.
func (d *Dict) Get(ctx context.Context, key string) ([]byte, error) {
	return d.ask(ctx, dictGet, key, "", 0)
}

// Set stores a value that expires after ttl, rounded up to a whole millisecond; 0 means never.
func (d *Dict) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	_, err := d.ask(ctx, dictSet, key, string(value), ttl)
	return err
}

// Add stores a value as [Dict.Set] does, but only if key has no value. It reports whether it stored the value.
func (d *Dict) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	answer, err := d.ask(ctx, dictAdd, key, string(value), ttl)
	return answer != nil, err
}

// Incr adds by to the number stored at key and returns the sum. A key without a value counts as 0.
func (d *Dict) Incr(ctx context.Context, key string, by int64) (int64, error) {
	return d.IncrTTL(ctx, key, by, 0)
}

// IncrTTL is like [Dict.Incr]; a key that it creates expires after ttl, as with [Dict.Set].
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

// Delete removes key. Removing a key without a value is not an error.
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
