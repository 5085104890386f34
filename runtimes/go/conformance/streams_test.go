package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

// load loads the runtime into this process.
func TestMain(m *testing.M) { testhost.Main(m) }

func load(t *testing.T) *testhost.Runtime {
	t.Helper()
	return ready(t, testhost.Self, (*testhost.Host).Load)
}

func ready(t *testing.T, lib string, load func(*testhost.Host, string, *string) (*testhost.Runtime, error)) *testhost.Runtime {
	t.Helper()
	h := testhost.New()
	t.Cleanup(func() { h.Close(5 * time.Second) })
	rt, err := load(h, lib, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

func open(t *testing.T, rt *testhost.Runtime, method, first string, end bool) *testhost.Stream {
	t.Helper()
	s, err := rt.Open(method, []byte(first), end, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// is fails the test unless the answer to a plain call becomes want.
func is(t *testing.T, rt *testhost.Runtime, method, want string) {
	t.Helper()
	var got []byte
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got, _ = rt.Call(method, nil); string(got) == want {
			return
		}
	}
	t.Fatalf("%s answers %s, want %s", method, got, want)
}

func TestStreams(t *testing.T) {
	rt := load(t)
	t.Run("that end", func(t *testing.T) { streamsThatEnd(t, rt) })
	t.Run("that are cancelled", func(t *testing.T) { streamsThatAreCancelled(t, rt) })
}

func TestStreamsOfAProcess(t *testing.T) {
	rt := ready(t, build(t, "."), (*testhost.Host).LoadIsolated)
	t.Run("that end", func(t *testing.T) { streamsThatEnd(t, rt) })
	t.Run("that are cancelled", func(t *testing.T) { streamsThatAreCancelled(t, rt) })
}

func streamsThatEnd(t *testing.T, rt *testhost.Runtime) {
	t.Helper()
	s := open(t, rt, "count", "3", true)
	if messages, err := s.All(); err != nil || string(bytes.Join(messages, []byte(" "))) != "0 1 2" {
		t.Errorf("count: %q, %v", messages, err)
	}
	s = open(t, rt, "failstream", "2", false)
	if messages, err := s.All(); fmt.Sprint(err) != "7 mid-stream" || len(messages) != 2 {
		t.Errorf("failstream: %q, %v", messages, err)
	}
	s = open(t, rt, "sum", "1", false)
	for i := 2; i < 100; i++ {
		s.Send([]byte(strconv.Itoa(i)), false)
	}
	s.Send([]byte("100"), true)
	if messages, err := s.All(); err != nil || len(messages) != 1 || string(messages[0]) != "5050" {
		t.Errorf("sum: %q, %v", messages, err)
	}
	s = open(t, rt, "flood", "100", true)
	want := make([]byte, 65536)
	for i := range want {
		want[i] = byte(i % 251)
	}
	for range 100 {
		if message, err := s.Recv(); err != nil || !bytes.Equal(message, want) {
			t.Fatalf("flood: %d bytes, %v", len(message), err)
		}
	}
	if _, err := s.Recv(); err != io.EOF {
		t.Errorf("flood: %v", err)
	}
	for method, text := range map[string]string{
		"count": `-6 count wants a number of messages, not "x"`, "sum": `-6 sum wants numbers, not "x"`,
	} {
		if _, err := open(t, rt, method, "x", true).All(); fmt.Sprint(err) != text {
			t.Errorf("%s x: %v", method, err)
		}
	}
	is(t, rt, "streams", "0")
	is(t, rt, "cancelled", "0")
}

func streamsThatAreCancelled(t *testing.T, rt *testhost.Runtime) {
	t.Helper()
	chat := open(t, rt, "chat", "hello", false)
	if message, err := chat.Recv(); err != nil || string(message) != "hello" {
		t.Fatalf("chat: %q, %v", message, err)
	}
	streams := []*testhost.Stream{chat,
		open(t, rt, "sum", "1", false), open(t, rt, "count", "1000000", true),
		open(t, rt, "flood", "1000000", true), open(t, rt, "failstream", "1000000", true)}
	is(t, rt, "streams", "5")
	for _, s := range streams {
		s.Close()
	}
	is(t, rt, "streams", "0")
	is(t, rt, "cancelled", "5")
	s := open(t, rt, "count", "5", true) // has ended by itself
	is(t, rt, "streams", "0")
	s.Close()
	is(t, rt, "cancelled", "5")
}
