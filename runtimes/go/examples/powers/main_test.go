package main

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

func TestMain(m *testing.M) { testhost.Main(m) }

func load(t *testing.T, config *string) (*testhost.Host, *testhost.Runtime) {
	t.Helper()
	h := testhost.New()
	t.Cleanup(func() { h.Close(5 * time.Second) })
	rt, err := h.Load(testhost.Self, config)
	if err != nil {
		t.Fatal(err)
	}
	return h, rt
}

func TestAnswers(t *testing.T) {
	h, rt := load(t, nil)
	cases := []struct{ method, request, want string }{
		{"hello", "Ada", "Hello Ada"},
		{"divide", "42 5", "8"},
		{"visits", "Ada", "1"},
		{"visits", "Ada", "2"},
		{"visits", "Bob", "1"},
	}
	for _, c := range cases {
		if got, err := rt.Call(c.method, []byte(c.request)); err != nil || string(got) != c.want {
			t.Errorf("%s %s: got %q, %v; want %q", c.method, c.request, got, err, c.want)
		}
	}
	if !h.HasLine(testhost.Info, "hello Ada") {
		t.Errorf("the log is %q", h.Lines())
	}
	var failed *testhost.CallError
	if _, err := rt.Call("divide", []byte("1 0")); !errors.As(err, &failed) || failed.Code != 22 || failed.Text != "division by zero" {
		t.Errorf("divide 1 0: %v", err)
	}
}

func TestGreetingIsConfigured(t *testing.T) {
	config := `{"greeting": "Servus"}`
	_, rt := load(t, &config)
	if got, err := rt.Call("hello", []byte("Ada")); err != nil || string(got) != "Servus Ada" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestStreams(t *testing.T) {
	_, rt := load(t, nil)
	s, err := rt.Open("ticks", []byte("3"), true, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, want := range []string{"tick 0", "tick 1", "tick 2"} {
		if got, err := s.Recv(); err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if _, err := s.Recv(); err != io.EOF {
		t.Error(err)
	}

	upper, err := rt.Open("upper", nil, false, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer upper.Close()
	for message, want := range map[string]string{"a": "A", "grüß": "GRÜß", "": ""} {
		upper.Send([]byte(message), false)
		if got, err := upper.Recv(); err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v; want %q", message, got, err, want)
		}
	}
	upper.Send(nil, true)
	if _, err := upper.Recv(); err != io.EOF {
		t.Error(err)
	}
}

// The handler does not go on for the rest of its ten seconds.
func TestSlowStopsAtItsDeadline(t *testing.T) {
	h, rt := load(t, nil)
	before := runtime.NumGoroutine()
	call := rt.Start("slow", nil, time.Minute)
	if !h.HasLine(testhost.Info, "there is a deadline left=59.9") {
		t.Errorf("the log is %q", h.Lines())
	}
	call.Cancel(testhost.Timeout)
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the handler has not stopped")
		}
	}
}
