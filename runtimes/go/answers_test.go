package restyffi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

func TestNilAndEmptyAreKeptApart(t *testing.T) {
	rt := handle(t, func(_ context.Context, request []byte) ([]byte, error) {
		if request != nil && len(request) == 0 {
			return []byte{}, nil
		}
		return request, nil
	})
	answers(t, rt.Start("m", nil, 0), nil)
	answers(t, rt.Start("m", []byte{}, 0), []byte{})
	answers(t, rt.Start("m", []byte{0}, 0), []byte{0})
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

func TestAnswersOfAllShapes(t *testing.T) {
	shapes := map[string]func([]byte) []byte{
		"the request":                  func(b []byte) []byte { return b },
		"the request, changed":         func(b []byte) []byte { b[0] = 'X'; return b },
		"its beginning":                func(b []byte) []byte { return b[:len(b)/2+1] },
		"its end":                      func(b []byte) []byte { return b[len(b)/2:] },
		"the request and more":         func(b []byte) []byte { return append(b, "more"...) },
		"its beginning and more":       func(b []byte) []byte { return append(b[:1], bytes.Repeat([]byte("x"), 3*len(b))...) },
		"as many bytes of Go's memory": func(b []byte) []byte { return bytes.ToUpper(b) },
		"few bytes of Go's memory":     func([]byte) []byte { return []byte("!") },
		"no bytes":                     func([]byte) []byte { return []byte{} },
		"nil":                          func([]byte) []byte { return nil },
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			rt := handle(t, func(_ context.Context, request []byte) ([]byte, error) { return shape(request), nil })
			for _, n := range []int{1, 63, 64, 65, 4095, 4096, 65535, 65536, 1 << 20} {
				answers(t, rt.Start("m", pattern(n), 0), shape(pattern(n)))
			}
		})
	}
}

func TestLargePayloads(t *testing.T) {
	rt := handle(t, echo)
	for _, n := range []int{16 << 20, 100 << 20} {
		request := pattern(n)
		answers(t, rt.Start("m", request, 0), request)
	}
}

func TestAnswerAboveTheLimitFailsItsCallOnly(t *testing.T) {
	rt := handle(t, func(_ context.Context, request []byte) ([]byte, error) {
		if len(request) == 0 {
			return make([]byte, 1<<30), nil
		}
		return request, nil
	})
	_, err := rt.Call("m", nil)
	if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprint(CodeTooLarge)) {
		t.Fatalf("got %v, want code %d", err, CodeTooLarge)
	}
	answers(t, rt.Start("m", []byte("next"), 0), []byte("next"))
}

type brokenError struct{}

func (brokenError) Error() string { panic("no text") }

func TestErrors(t *testing.T) {
	var none []error
	cases := []struct {
		name string
		f    func() error
		code int
		text string
	}{
		{"with a code", func() error { return &Error{7, "seven"} }, 7, "seven"},
		{"formatted", func() error { return Errorf(8, "%d and %q", 8, "x") }, 8, `8 and "x"`},
		{"wrapped", func() error { return fmt.Errorf("outer: %w", &Error{9, "inner"}) }, 9, "outer: inner"},
		{"joined", func() error { return errors.Join(errors.New("a"), &Error{10, "b"}) }, 10, "a\nb"},
		{"of the host's", func() error { return &Error{CodeBadPhase, "later"} }, CodeBadPhase, "later"},
		{"without text", func() error { return &Error{Code: 11} }, 11, ""},
		{"code 0", func() error { return &Error{0, "zero"} }, CodeThrew, "zero"},
		{"code too large", func() error { return &Error{1 << 40, "large"} }, CodeThrew, "large"},
		{"without a code", func() error { return errors.New("plain") }, CodeThrew, "plain"},
		{"context of somebody else", func() error { return context.Canceled }, CodeThrew, "context canceled"},
		{"panic with a string", func() error { panic("thrown on purpose") }, CodeThrew, "panic: thrown on purpose"},
		{"panic with an error", func() error { panic(&Error{12, "twelve"}) }, CodeThrew, "panic: twelve"},
		{"panic with nil", func() error { panic(nil) }, CodeThrew, "panic: " + new(runtime.PanicNilError).Error()},
		{"run-time panic", func() error { return none[0] }, CodeThrew, "panic: runtime error: index out of range [0] with length 0"},
		{"Goexit", func() error { runtime.Goexit(); return nil }, CodeThrew, errNoAnswer.Error()},
		{"error that panics", func() error { return brokenError{} }, CodeThrew, "the handler failed with an error of type restyffi.brokenError, whose methods panic: no text"},
	}
	var current func() error
	rt := handle(t, func(_ context.Context, request []byte) ([]byte, error) {
		if request != nil {
			return request, nil
		}
		return []byte("not to be seen"), current()
	})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			current = c.f
			fails(t, rt.Start("m", nil, 0), c.code, c.text)
			answers(t, rt.Start("m", []byte("next"), 0), []byte("next"))
		})
	}
}

func TestPanicIsLoggedWithItsStack(t *testing.T) {
	h, rt := load(t, func(rt *Runtime) error {
		rt.Handle("m", func(context.Context, []byte) ([]byte, error) { panic("oops") })
		return nil
	})
	rt.Call("m", nil)
	if !h.HasLine(4, "The handler of a method panicked. method=m panic=oops stack=") || !h.HasLine(4, "answers_test.go:") {
		t.Fatalf("the log is %q", h.Lines())
	}
}

func TestUnknownMethod(t *testing.T) {
	_, rt := load(t, func(rt *Runtime) error {
		rt.Handle("one", echo)
		rt.Handle("two", echo)
		return nil
	})
	for range 2 { // the second time from the table
		fails(t, rt.Start("three", []byte("x"), 0), CodeNoMethod, `runtime "libffi_go_test.so" has no method "three"; it has: one, two`)
	}
	answers(t, rt.Start("two", []byte("x"), 0), []byte("x"))
}

func TestDefaultHandler(t *testing.T) {
	_, rt := load(t, func(rt *Runtime) error {
		rt.Handle("own", echo)
		rt.HandleDefault(func(_ context.Context, method string, request []byte) ([]byte, error) {
			return append([]byte(method+" "), request...), nil
		})
		return nil
	})
	answers(t, rt.Start("own", []byte("x"), 0), []byte("x"))
	answers(t, rt.Start("any", []byte("x"), 0), []byte("any x"))
	answers(t, rt.Start("thing", []byte("y"), 0), []byte("thing y"))
}

func TestThousandsOfCalls(t *testing.T) {
	rt := handle(t, func(_ context.Context, request []byte) ([]byte, error) {
		switch len(request) % 4 {
		case 0:
			runtime.Gosched()
		case 1:
			return append(request, 'x'), nil
		case 2:
			return bytes.Clone(request), nil
		}
		return request, nil
	})
	const calls, inFlight = 10000, 64
	random := rand.New(rand.NewPCG(1, 2))
	for range calls / inFlight {
		methods, requests := make([]string, inFlight), make([][]byte, inFlight)
		for i := range methods {
			methods[i] = "m"
			requests[i] = make([]byte, 1+random.IntN(5000))
			for k := range requests[i] {
				requests[i][k] = byte(random.Uint32())
			}
		}
		for i, c := range rt.StartAll(methods, requests, 0) {
			want := requests[i]
			if len(want)%4 == 1 {
				want = append(want, 'x')
			}
			answers(t, c, want)
		}
	}
}
