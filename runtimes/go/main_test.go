package restyffi

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

func TestMain(m *testing.M) { testhost.Main(m) }

// serveWith is Serve for one test.
func serveWith(t *testing.T, f func(*Runtime) error) {
	t.Helper()
	setUp, served = f, 1
	t.Cleanup(func() { setUp, served = nil, 0 })
}

// load loads a runtime that f sets up, into a host of its own.
func load(t *testing.T, f func(*Runtime) error) (*testhost.Host, *testhost.Runtime) {
	t.Helper()
	serveWith(t, f)
	h := newHost(t)
	rt, err := h.Load(testhost.Self, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h, rt
}

func newHost(t *testing.T) *testhost.Host {
	h := testhost.New()
	t.Cleanup(func() { h.Close(5 * time.Second) })
	return h
}

// handle loads a runtime with one method, "m".
func handle(t *testing.T, f Handler) *testhost.Runtime {
	t.Helper()
	_, rt := load(t, func(rt *Runtime) error {
		rt.Handle("m", f)
		return nil
	})
	return rt
}

// answers fails the test unless the call succeeds with want; nil and empty are different.
func answers(t *testing.T, c *testhost.Call, want []byte) {
	t.Helper()
	got, err := c.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) || (got == nil) != (want == nil) {
		t.Fatalf("the answer is %.100q (nil: %v), want %.100q (nil: %v)", got, got == nil, want, want == nil)
	}
}

// fails fails the test unless the call fails with that code and text.
func fails(t *testing.T, c *testhost.Call, code int, text string) {
	t.Helper()
	got, err := c.Wait()
	var failure *testhost.CallError
	if !errors.As(err, &failure) {
		t.Fatalf("the call answered %.100q, %v; want code %d", got, err, code)
	}
	if failure.Code != code || failure.Text != text {
		t.Fatalf("the call failed with %d %q, want %d %q", failure.Code, failure.Text, code, text)
	}
}

func echo(_ context.Context, request []byte) ([]byte, error) { return request, nil }

// stream loads a runtime with one stream method, "m".
func stream(t *testing.T, f StreamHandler) *testhost.Runtime {
	t.Helper()
	_, rt := load(t, func(rt *Runtime) error {
		rt.HandleStream("m", f)
		return nil
	})
	return rt
}

// open opens a stream that is given up at the end of the test. first may be nil.
func open(t *testing.T, rt *testhost.Runtime, method string, first []byte, end bool) *testhost.Stream {
	t.Helper()
	s, err := rt.Open(method, first, end, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// receives fails the test unless the next messages are these.
func receives(t *testing.T, s *testhost.Stream, want ...string) {
	t.Helper()
	for i, w := range want {
		if got, err := s.Recv(); err != nil || got == nil || string(got) != w {
			t.Fatalf("message %d is %.100q (nil: %v), %v; want %.100q", i, got, got == nil, err, w)
		}
	}
}

// ends fails the test unless the stream ends now, well.
func ends(t *testing.T, s *testhost.Stream) {
	t.Helper()
	if got, err := s.Recv(); err != io.EOF {
		t.Fatalf("got %.100q, %v; want the end", got, err)
	}
}

// endsWith fails the test unless the stream fails now, with that code and text.
func endsWith(t *testing.T, s *testhost.Stream, code int, text string) {
	t.Helper()
	got, err := s.Recv()
	var failure *testhost.CallError
	if !errors.As(err, &failure) || failure.Code != code || failure.Text != text {
		t.Fatalf("got %.100q, %v; want the end with %d %q", got, err, code, text)
	}
}
