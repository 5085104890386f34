package restyffi

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Handler answers the calls of one method.
//
// The request is nil if the caller sent nil, and empty but not nil if the caller sent an empty string. The same holds for
// the response. The request is memory of the host, lent until the handler returns: use [bytes.Clone] to keep it for
// longer. The handler may change the request, and may return it, or a part of it, as the response; a part that starts
// where the request starts is not copied. The response must not be changed after the handler has returned.
//
// Handlers of different calls run concurrently. ctx is done when no caller waits for the response any more: the deadline
// of the call (see [context.Context]) has passed, the client has gone, the runtime is unloaded, or the handler has
// returned.
//
// An error that is or wraps an [*Error] fails the call with the code of that error. Any other error, and a panic, fails
// the call with [CodeThrew].
//
// A client can also open a method with a Handler as a stream: the first message is the request, and the response is the
// only message that the client receives.
type Handler func(ctx context.Context, request []byte) (response []byte, err error)

// A DefaultHandler answers the calls of every method without a handler of its own.
type DefaultHandler func(ctx context.Context, method string, request []byte) (response []byte, err error)

// Handle registers the handler of a method. Call it in the function passed to [Serve]. Handle panics if that function has
// returned, if handler is nil, or if the method already has a handler.
func (rt *Runtime) Handle(method string, handler Handler) {
	rt.mustBeSettingUp("Handle")
	if handler == nil {
		panic(fmt.Sprintf("restyffi: the handler of method %q is nil", method))
	}
	rt.mustBeNew(method)
	rt.handlers[method] = handler
}

// HandleStream registers the handler of a method whose calls are streams. It panics when [Runtime.Handle] does. A plain
// call of the method fails with [CodeBadArgument].
func (rt *Runtime) HandleStream(method string, handler StreamHandler) {
	rt.mustBeSettingUp("HandleStream")
	if handler == nil {
		panic(fmt.Sprintf("restyffi: the handler of method %q is nil", method))
	}
	rt.mustBeNew(method)
	rt.streams[method] = handler
}

func (rt *Runtime) mustBeNew(method string) {
	if rt.handlers[method] != nil || rt.streams[method] != nil {
		panic(fmt.Sprintf("restyffi: method %q has a handler already", method))
	}
}

// HandleDefault registers the handler of all methods without a handler of their own. Without a default handler, a call of
// such a method fails with [CodeNoMethod] and a message that lists the methods. HandleDefault panics if the function passed
// to [Serve] has returned, if handler is nil, or if there is a default handler already.
func (rt *Runtime) HandleDefault(handler DefaultHandler) {
	rt.mustBeSettingUp("HandleDefault")
	if handler == nil {
		panic("restyffi: the default handler is nil")
	}
	if rt.fallback != nil {
		panic("restyffi: there is a default handler already")
	}
	rt.fallback = handler
}

func (rt *Runtime) mustBeSettingUp(what string) {
	if rt.serving.Load() {
		panic("restyffi: " + what + " was called after the set-up; register all methods before the function given to Serve returns")
	}
}

// method is a method that was called.
type method struct {
	name    string
	handler Handler       // nil if plain calls are refused
	stream  StreamHandler // nil if handler serves streams, too
	code    int32         // the code of the answer to a call that is refused
	missing string        // its text
}

// methods has the methods by their numbers in CALL frames. Only the goroutine that polls uses it.
type methods []*method

func (ms *methods) get(rt *Runtime, number uint32) *method {
	if int(number) < len(*ms) && (*ms)[number] != nil {
		return (*ms)[number]
	}
	m := rt.lookUp(rt.queue.method(number))
	if grow := int(number) + 1 - len(*ms); grow > 0 {
		*ms = append(*ms, make([]*method, grow)...)
	}
	(*ms)[number] = m
	return m
}

func (rt *Runtime) lookUp(name string) *method {
	m := &method{name: name, handler: rt.handlers[name]}
	switch fallback := rt.fallback; {
	case m.handler != nil:
	case rt.streams[name] != nil:
		m.stream = rt.streams[name]
		m.code, m.missing = CodeBadArgument, fmt.Sprintf("%q is a stream: open it with resty_ffi.stream", name)
	case fallback != nil:
		m.handler = func(ctx context.Context, request []byte) ([]byte, error) { return fallback(ctx, name, request) }
	default:
		m.code, m.missing = CodeNoMethod, fmt.Sprintf("runtime %q has no method %q; it has: %s", rt.name, name, rt.list())
	}
	return m
}

func (rt *Runtime) list() string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(rt.handlers)), maps.Keys(rt.streams))
	slices.Sort(names)
	return strings.Join(names, ", ")
}
