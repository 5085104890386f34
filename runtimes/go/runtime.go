package restyffi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
)

// A Runtime is one loaded library with one configuration. The same library loaded with another configuration is another
// Runtime in the same process: keep state in variables of the function passed to [Serve], not in package variables.
type Runtime struct {
	queue  queue
	name   string
	logger *slog.Logger
	dict   Dict
	dicts  dictExchange
	gate   gate

	config    string
	hasConfig bool

	ctx    context.Context
	cancel context.CancelFunc

	onUnload []func(context.Context) error

	handlers map[string]Handler
	streams  map[string]StreamHandler
	fallback DefaultHandler
	serving  atomic.Bool // the set-up is done: the handlers are final, and the runtime polls

	poller  poller
	methods methods
	batch   batch
	calls   callTable
}

func newRuntime(q queue) *Runtime {
	rt := &Runtime{queue: q, name: q.name(), handlers: make(map[string]Handler), streams: make(map[string]StreamHandler)}
	rt.config, rt.hasConfig = q.config()
	rt.ctx, rt.cancel = context.WithCancel(context.Background())
	rt.logger = newLogger(rt)
	rt.batch.queue = q
	rt.dict.rt = rt
	rt.dicts.waiting = make(map[uint64]chan dictAnswer)
	return rt
}

// Name returns the name by which the host knows the runtime.
func (rt *Runtime) Name() string { return rt.name }

// Context returns a context that is done when the runtime is unloaded, for goroutines that do not belong to a call.
func (rt *Runtime) Context() context.Context { return rt.ctx }

// OnUnload registers a function that runs when the runtime ends, after the runtime has answered its calls: to finish work
// that no call waits for, to flush, to close. The functions run one after the other, the last one registered first. The
// host waits until all have returned; so does an nginx worker that quits. An error that f returns is logged.
//
// ctx is done when the time for all functions is over: after drain_timeout (30 s) at an unload or a reload, and after the
// time that the host sets at its own end. The host does not wait for a function that goes on after that. Call OnUnload in
// the function passed to [Serve].
func (rt *Runtime) OnUnload(f func(ctx context.Context) error) { rt.onUnload = append(rt.onUnload, f) }

// Config returns the configuration string that the runtime was loaded with; ok is false without a configuration.
func (rt *Runtime) Config() (config string, ok bool) { return rt.config, rt.hasConfig }

// DecodeConfig decodes the configuration string as JSON into the value that v points to. Unknown fields are an error.
// Fields that the configuration does not name keep their values, as all do without a configuration: set the defaults
// first.
func (rt *Runtime) DecodeConfig(v any) error {
	if !rt.hasConfig {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(rt.config))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, trailing := d.Token(); trailing != io.EOF {
			err = errors.New("there is more text after the JSON value")
		}
	}
	if err != nil {
		return fmt.Errorf("the configuration %.200q of runtime %q cannot be decoded: %w", rt.config, rt.name, err)
	}
	return nil
}

func (rt *Runtime) unloaded() error {
	return Errorf(CodeUnloaded, "runtime %q has been unloaded", rt.name)
}

// gate keeps goroutines that do not belong to a call from using the queue after it was closed.
type gate struct {
	mu     sync.RWMutex
	closed error
}

// enter runs f if the queue is open, and otherwise returns an error.
func (g *gate) enter(f func()) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed == nil {
		f()
	}
	return g.closed
}

func (g *gate) close(why error) {
	g.mu.Lock()
	g.closed = why
	g.mu.Unlock()
}
