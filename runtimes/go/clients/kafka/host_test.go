package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/vmihailenco/msgpack/v5"
)

func TestMain(m *testing.M) { testhost.Main(m) }

// soonSeconds is how long a test waits for something that comes.
const soonSeconds = 20

// host is a host that has loaded the runtime.
type host struct {
	t  *testing.T
	h  *testhost.Host
	rt *testhost.Runtime
}

func load(t *testing.T) *host {
	t.Helper()
	h, rt := lua.Load(t)
	return &host{t, h, rt}
}

// call answers with the decoded result, which is wanted.
func (h *host) call(method string, options lua.Table, body any) any {
	h.t.Helper()
	answer, failure := h.try(method, options, body, soonSeconds*time.Second)
	if failure != nil {
		h.t.Fatalf("%s: %v", method, failure)
	}
	return answer
}

// try answers with the result or the error of a call that is waited for until its deadline, and not longer.
func (h *host) try(method string, options lua.Table, body any, timeout time.Duration) (any, *testhost.CallError) {
	h.t.Helper()
	call := h.rt.Start(method, lua.Request(h.t, options, body), timeout)
	deadline := time.AfterFunc(timeout, func() { call.Cancel(testhost.Timeout) })
	defer deadline.Stop()
	var text []byte
	var err error
	for end := time.Now().Add(timeout + time.Second); !call.Done() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	text, err = call.Wait()
	var failure *testhost.CallError
	if errors.As(err, &failure) {
		return nil, failure
	}
	if err != nil {
		h.t.Fatalf("%s: %v", method, err)
	}
	return decoded(h.t, text), nil
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	if text == nil {
		return nil
	}
	var value any
	if err := msgpack.Unmarshal(text, &value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return value
}

// fails wants a call to fail with a code and words, sooner or later.
func (h *host) fails(method string, options lua.Table, body any, code int, words string) {
	h.t.Helper()
	var answer any
	var failure *testhost.CallError
	for end := time.Now().Add(soonSeconds * time.Second); time.Now().Before(end); {
		answer, failure = h.try(method, options, body, time.Second)
		if failure != nil && failure.Code == code && strings.Contains(failure.Text, words) {
			return
		}
	}
	h.t.Errorf("%s: %v, %v; want %d … %s", method, answer, failure, code, words)
}

// stream is an open stream of decoded messages.
type stream struct {
	t *testing.T
	*testhost.Stream
}

func (h *host) open(method string, options lua.Table, body any) *stream {
	h.t.Helper()
	s, err := h.rt.Open(method, lua.Request(h.t, options, body), false, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(s.Close)
	return &stream{h.t, s}
}

// next is the next message or the error of the stream's end.
func (s *stream) next() (any, error) {
	s.t.Helper()
	for end := time.Now().Add(soonSeconds * time.Second); ; time.Sleep(time.Millisecond) {
		message, err := s.TryRecv()
		switch {
		case err == nil:
			return decoded(s.t, message), nil
		case !errors.Is(err, testhost.ErrWait):
			return nil, err
		case time.Now().After(end):
			return nil, fmt.Errorf("nothing has come within %d s", soonSeconds)
		}
	}
}

func (s *stream) say(message any) any {
	s.t.Helper()
	if err := s.Send(lua.Pack(s.t, message), false); err != nil {
		s.t.Fatal(err)
	}
	answer, err := s.next()
	if err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// records are the next n that a consumer gets.
func (s *stream) records(n int) [][]any {
	s.t.Helper()
	var all [][]any
	for len(all) < n {
		batch, err := s.next()
		if err != nil {
			s.t.Fatalf("after %v: %v", all, err)
		}
		for _, r := range batch.([]any) {
			all = append(all, r.([]any))
		}
	}
	return all
}

// values are those of the next n records, as text.
func (s *stream) values(n int) string {
	s.t.Helper()
	var list []string
	for _, r := range s.records(n) {
		list = append(list, fmt.Sprint(r[5]))
	}
	return strings.Join(list, " ")
}

// fake starts Kafka in memory; it is what one connects to.
func fake(t *testing.T, options ...kfake.Opt) (*kfake.Cluster, lua.Table) {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.DefaultNumPartitions(1)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster, lua.Table{"brokers": cluster.ListenAddrs()}
}

// serves has every connection served by f, which may keep it open; it is closed with the test.
func serves(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				f(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// swallow reads until the client goes away.
func swallow(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
