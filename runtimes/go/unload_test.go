package restyffi

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

func goroutinesOf(t *testing.T, f func()) {
	t.Helper()
	before := runtime.NumGoroutine()
	f()
	testhost.Soon(t, "the end of the runtime's goroutines", func() bool { return runtime.NumGoroutine() <= before })
}

func TestUnload(t *testing.T) {
	var rt *Runtime
	_, loaded := load(t, func(r *Runtime) error {
		rt = r
		rt.Handle("m", echo)
		return nil
	})
	answers(t, loaded.Start("m", []byte("x"), 0), []byte("x"))
	loaded.Unload()
	<-rt.Context().Done()
	testhost.Soon(t, "the close of the queue", func() bool { return rt.gate.enter(func() {}) != nil })
	rt.Logger().Info("into the void")
	_, err := rt.Dict().Get(context.Background(), "k")
	if refused := (*Error)(nil); !errors.As(err, &refused) || refused.Code != CodeUnloaded {
		t.Errorf("the dict of an unloaded runtime: %v", err)
	}
}

func TestLoadAgain(t *testing.T) {
	serveWith(t, func(rt *Runtime) error {
		rt.Handle("m", echo)
		return nil
	})
	h := newHost(t)
	goroutinesOf(t, func() {
		for range 20 {
			rt, err := h.Load(testhost.Self, nil)
			if err != nil {
				t.Fatal(err)
			}
			answers(t, rt.Start("m", []byte("x"), 0), []byte("x"))
			rt.Unload()
		}
	})
}

// The host that ends does not wait for calls: those that run are cancelled.
func TestEndOfTheHost(t *testing.T) {
	started, cancelledCalls := make(chan bool), make(chan error, 100)
	serveWith(t, func(rt *Runtime) error {
		rt.Handle("wait", func(ctx context.Context, _ []byte) ([]byte, error) {
			started <- true
			<-ctx.Done()
			cancelledCalls <- ctx.Err()
			return nil, ctx.Err()
		})
		rt.Handle("dict", func(context.Context, []byte) ([]byte, error) {
			started <- true
			for {
				if _, err := rt.Dict().Get(context.Background(), "k"); err != nil {
					cancelledCalls <- err
					return nil, err
				}
			}
		})
		return nil
	})
	goroutinesOf(t, func() {
		h := testhost.New()
		rt, err := h.Load(testhost.Self, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			rt.Start("wait", nil, 0)
		}
		rt.Start("dict", nil, 0)
		for range 51 {
			<-started
		}
		start := time.Now()
		h.Close(20 * time.Second)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("handlers that obey held up the end for %v", took)
		}
	})
	for range 51 {
		<-cancelledCalls
	}
}

// A handler that does not look at its context keeps its request, and the runtime its queue, until it returns.
func TestEndOfTheHostWithAHandlerThatDoesNotObey(t *testing.T) {
	started, release, seen := make(chan bool), make(chan struct{}), make(chan byte, 1)
	serveWith(t, func(rt *Runtime) error {
		rt.Handle("stubborn", func(_ context.Context, request []byte) ([]byte, error) {
			started <- true
			<-release
			seen <- request[100]
			return request, nil
		})
		return nil
	})
	goroutinesOf(t, func() {
		h := testhost.New()
		rt, err := h.Load(testhost.Self, nil)
		if err != nil {
			t.Fatal(err)
		}
		rt.Start("stubborn", pattern(200), 0)
		<-started
		start := time.Now()
		h.Close(2 * time.Second)
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("a handler that does not obey held up the end for %v", took)
		}
		close(release)
		if b := <-seen; b != 100 {
			t.Errorf("the request's byte 100 has become %d", b)
		}
	})
}
