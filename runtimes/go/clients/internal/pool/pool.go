// Package pool keeps the clients of a library by their options, for the libraries of resty.ffi.etcd and resty.ffi.kafka.
//
// Lua names a client by the digest of its options. A request with an unknown digest fails with [CodeUnknownClient]. Lua then
// repeats the request with the options, and the client is made. A client that no call and no stream has used for its idle time
// is closed, so Lua code need not close clients.
package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// CodeUnknownClient asks the caller to send the client's options; packages/lua/lib/resty/ffi/client.lua has the same.
const CodeUnknownClient = 10001

const (
	// connectTimeout bounds how long making a client takes, because the deadlines of the calls that wait do not.
	connectTimeout = 30 * time.Second
	// busyPause is the time after which a client in use is checked again, unless its idle time is longer.
	busyPause = time.Second
	// farewell is the time that handlers have at an unload before their client is closed. The SDK has already waited a limited
	// time for the handlers.
	farewell = 500 * time.Millisecond
	// closeTimeout bounds how long closing an idle client takes.
	closeTimeout = 5 * time.Second
)

// A Client is kept by a [Pool].
type Client interface {
	// Close ends the client's connections and goroutines. It may wait for pending writes until ctx is done.
	Close(ctx context.Context)
}

// A Pool keeps clients of type C, made from options of type O. It closes them when the runtime is unloaded.
type Pool[O any, C Client] struct {
	rt      *restyffi.Runtime
	connect func(context.Context, *O) (C, error)
	idle    func(*O) time.Duration
	invalid int // the code of errors for invalid input

	mu      sync.Mutex
	entries map[string]*entry[C]
	closed  bool
}

// entry is a client that is being made or has been made. The pool's map owns it until it is evicted.
type entry[C Client] struct {
	made   chan struct{} // closed when client or err is set
	client C
	err    error

	users    atomic.Int64 // increased only while the pool is locked
	lastUsed atomic.Int64 // nanoseconds since [start]
	timer    *time.Timer  // checks whether the client is idle; guarded by the pool's lock
}

var start = time.Now()

// New makes a pool. idle returns the idle time of options; invalid is the code of errors for invalid input. connect makes a
// client. Its context ends when connect returns, so the client must not keep it. If connect fails, all calls that wait for the
// client fail with its error, and the next call makes connect run again.
func New[O any, C Client](rt *restyffi.Runtime, invalid int, idle func(*O) time.Duration,
	connect func(context.Context, *O) (C, error)) *Pool[O, C] {
	p := &Pool[O, C]{rt: rt, connect: connect, idle: idle, invalid: invalid, entries: make(map[string]*entry[C])}
	context.AfterFunc(rt.Context(), p.refuse)
	rt.OnUnload(p.close)
	return p
}

// use returns the client with this id. The first call makes the client from options. The caller must call release.
func (p *Pool[O, C]) use(ctx context.Context, id string, options []byte) (client C, release func(), err error) {
	e, err := p.find(id, options)
	if err != nil {
		return client, nil, err
	}
	select {
	case <-e.made:
	case <-ctx.Done():
		e.release()
		return client, nil, ctx.Err()
	}
	if e.err != nil {
		e.release()
		return client, nil, e.err
	}
	return e.client, e.release, nil
}

func (e *entry[C]) release() {
	e.lastUsed.Store(int64(time.Since(start)))
	e.users.Add(-1)
}

// find returns the entry with one more user.
func (p *Pool[O, C]) find(id string, options []byte) (*entry[C], error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, p.unloaded()
	}
	if e := p.entries[id]; e != nil {
		e.users.Add(1)
		return e, nil
	}
	if options == nil {
		return nil, restyffi.Errorf(CodeUnknownClient, "the options of this client are needed")
	}
	decoded := new(O)
	if err := decode(options, decoded); err != nil {
		return nil, restyffi.Errorf(p.invalid, "the options: %v", err)
	}
	e := &entry[C]{made: make(chan struct{})}
	e.users.Store(1)
	p.entries[id] = e
	go p.make(id, e, decoded)
	return e, nil
}

func (p *Pool[O, C]) unloaded() error {
	return restyffi.Errorf(restyffi.CodeUnloaded, "runtime %q is being unloaded", p.rt.Name())
}

// make makes a client. It runs on a goroutine of its own, because the first caller may go away while others wait for the same
// client.
func (p *Pool[O, C]) make(id string, e *entry[C], options *O) {
	ctx, cancel := context.WithTimeout(p.rt.Context(), connectTimeout)
	defer cancel()
	defer close(e.made)
	e.err = errors.New("a client cannot be made: connect ended its goroutine")
	defer func() {
		if thrown := recover(); thrown != nil {
			e.err = fmt.Errorf("a client cannot be made: panic: %v", thrown)
		}
		p.settle(id, e, options)
	}()
	e.client, e.err = p.connect(ctx, options)
	if e.err != nil && p.rt.Context().Err() != nil {
		e.err = p.unloaded() // rather than the error of a cancelled context
	}
}

// settle starts the timer of a client that was made. It removes a client that could not be made from the map, so that the next
// call tries again.
func (p *Pool[O, C]) settle(id string, e *entry[C], options *O) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed: // close waits for the client, and closes it
	case e.err != nil:
		delete(p.entries, id)
	default:
		idle := p.idle(options)
		e.lastUsed.Store(int64(time.Since(start)))
		e.timer = time.AfterFunc(idle, func() { p.look(id, e, idle) })
	}
}

// look closes the client if it is idle. Otherwise it runs again later.
func (p *Pool[O, C]) look(id string, e *entry[C], idle time.Duration) {
	if p.evict(id, e, idle) {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		e.client.Close(ctx)
	}
}

// evict removes an idle client from the map, and reports whether it did. Nothing can use the client after that.
func (p *Pool[O, C]) evict(id string, e *entry[C], idle time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := idle - (time.Since(start) - time.Duration(e.lastUsed.Load()))
	switch {
	case p.closed:
		return false
	case e.users.Load() > 0:
		e.timer.Reset(max(idle, busyPause))
		return false
	case left > 0:
		e.timer.Reset(left)
		return false
	}
	delete(p.entries, id)
	return true
}

// refuse makes all further requests fail.
func (p *Pool[O, C]) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// close closes all clients, including those that are still being made, and waits until they are closed.
func (p *Pool[O, C]) close(ctx context.Context) error {
	p.refuse()
	p.mu.Lock()
	entries := p.entries
	p.entries = nil
	p.mu.Unlock()
	var wait sync.WaitGroup
	for _, e := range entries {
		if e.timer != nil {
			e.timer.Stop()
		}
		wait.Go(func() { e.end(ctx) })
	}
	wait.Wait()
	return nil
}

// end closes the client when it is no longer in use, or after the time farewell.
func (e *entry[C]) end(ctx context.Context) {
	<-e.made
	if e.err != nil {
		return
	}
	for late := time.Now().Add(farewell); e.users.Load() > 0 && time.Now().Before(late); {
		time.Sleep(5 * time.Millisecond)
	}
	e.client.Close(ctx)
}
