// Package pool is what the client libraries of resty.ffi.etcd and resty.ffi.kafka share: clients by the options that
// they are made from.
//
// Lua names a client by the digest of its options. The first request with a digest that is not known here is answered
// with [CodeUnknownClient]; it comes again with the options, and the client is made. A client that no call and no
// stream has used for its idle time is closed, so nothing depends on Lua code that says when it is done.
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
	// connectTimeout bounds how long a client is being made: nobody who waits for it has an influence on it.
	connectTimeout = 30 * time.Second
	// busyPause is after what time a client that was in use is looked at again, unless its idle time is longer.
	busyPause = time.Second
	// farewell is how long those who use a client have at an unload before it is closed under them. The SDK has waited for
	// the handlers by then, if not for ever.
	farewell = 500 * time.Millisecond
	// closeTimeout is how long a client that nobody uses may take to be closed.
	closeTimeout = 5 * time.Second
)

// Client is what a pool keeps.
type Client interface {
	// Close ends the client's connections and goroutines. It may wait for what is being sent, until ctx is done.
	Close(ctx context.Context)
}

// Pool keeps clients of type C, made from options of type O. It closes them when the runtime is unloaded.
type Pool[O any, C Client] struct {
	rt      *restyffi.Runtime
	connect func(context.Context, *O) (C, error)
	idle    func(*O) time.Duration
	invalid int // the code of an error for input that is wrong

	mu      sync.Mutex
	entries map[string]*entry[C]
	closed  bool
}

// entry is a client that is being made, or is there. The pool's map owns it until it is evicted.
type entry[C Client] struct {
	made   chan struct{} // closed when client or err is there
	client C
	err    error

	users    atomic.Int64 // is only raised while the pool is locked
	lastUsed atomic.Int64 // nanoseconds since [start]
	timer    *time.Timer  // looks whether the client is idle; the pool's lock guards it
}

var start = time.Now()

// New makes a pool. idle tells the idle time of options; invalid is the code of errors for input that is wrong. connect
// makes a client; its context ends with the making, so it is no context for the client to keep. If connect fails, all
// who wait for the client fail with that error, and the next one who asks has it made anew.
func New[O any, C Client](rt *restyffi.Runtime, invalid int, idle func(*O) time.Duration,
	connect func(context.Context, *O) (C, error)) *Pool[O, C] {
	p := &Pool[O, C]{rt: rt, connect: connect, idle: idle, invalid: invalid, entries: make(map[string]*entry[C])}
	context.AfterFunc(rt.Context(), p.refuse)
	rt.OnUnload(p.close)
	return p
}

// use returns the client of this id, made from options if there is none. Its release must be called.
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

// make runs on a goroutine of its own: who asked first may go away, and others wait for the same client.
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
		e.err = p.unloaded() // and not what connect makes of a context that is done
	}
}

// settle takes a client that could not be made out of the map, so that the next one who asks has it made anew, and has
// one that was made watched.
func (p *Pool[O, C]) settle(id string, e *entry[C], options *O) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed: // close waits until the client is made
	case e.err != nil:
		delete(p.entries, id)
	default:
		idle := p.idle(options)
		e.lastUsed.Store(int64(time.Since(start)))
		e.timer = time.AfterFunc(idle, func() { p.look(id, e, idle) })
	}
}

// look closes the client if it is idle, and looks again later otherwise.
func (p *Pool[O, C]) look(id string, e *entry[C], idle time.Duration) {
	if p.evict(id, e, idle) {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		e.client.Close(ctx)
	}
}

// evict takes an idle client out of the map: nobody uses it, and nobody can find it any more.
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

// refuse sees to it that nobody gets a client any more.
func (p *Pool[O, C]) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// close closes all clients, those that are being made as soon as they are, and returns when they are closed.
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

// end closes the client once those who use it have let it go, or have had the time for it.
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
