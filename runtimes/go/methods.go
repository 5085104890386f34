package restyffi

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Handler answers the calls of one method.
//
// The request is nil if the caller sent none, and empty but not nil if it sent zero bytes; the response likewise. The
// request belongs to the handler until it returns: it may change it, and return it or a part of it as the response, which
// costs no copy if that part starts where the request does. Whoever needs the request for longer copies it
// (bytes.Clone). The response must not be changed any more once it is returned.
//
// Handlers of different calls run at the same time. ctx is done when nobody waits for the answer any more: the deadline
// of the call (see [context.Context.Deadline]) has passed, the client has gone, the runtime is unloaded, or the handler
// has returned.
//
// An error that is or wraps an [*Error] fails the call with that code, any other error and a panic with [CodeThrew].
//
// A method with a Handler can be opened as a stream, too: its first message is the request, the response is the one
// message of the answer.
type Handler func(ctx context.Context, request []byte) (response []byte, err error)

// DefaultHandler answers the calls of every method that has no [Handler].
type DefaultHandler func(ctx context.Context, method string, request []byte) (response []byte, err error)

// Handle registers the handler of a method. Like HandleDefault it is for the function given to [Serve], and panics when
// the runtime is serving already, when handler is nil, and when the method has a handler.
func (rt *Runtime) Handle(method string, handler Handler) {
	rt.mustBeSettingUp("Handle")
	if handler == nil {
		panic(fmt.Sprintf("restyffi: the handler of method %q is nil", method))
	}
	rt.mustBeNew(method)
	rt.handlers[method] = handler
}

// HandleStream registers the handler of a method that carries streams. It panics where [Runtime.Handle] does. A plain call
// of the method fails with [CodeBadArgument].
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

// HandleDefault registers the handler of all methods that have none of their own. Without it, such a call fails with
// [CodeNoMethod] and a text that lists the methods there are.
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

// method is what the runtime knows about a method that was called.
type method struct {
	name    string
	handler Handler       // nil if plain calls are refused
	stream  StreamHandler // nil if streams go to handler
	code    int32         // the answer to a call that is refused
	missing string
}

// methods finds a method by the number in a CALL frame. Only the goroutine that polls uses it.
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
