package restyffi

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

// notes gathers what happened, in its order.
type notes struct {
	mu   sync.Mutex
	text []string
}

func (n *notes) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = append(n.text, text)
}

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.text)
}

func TestOnUnloadIsAwaitedAtTheEndOfTheHost(t *testing.T) {
	var seen notes
	started := make(chan bool)
	serveWith(t, func(rt *Runtime) error {
		rt.Handle("m", func(context.Context, []byte) ([]byte, error) {
			started <- true
			time.Sleep(100 * time.Millisecond)
			seen.add("a call")
			return nil, nil
		})
		rt.OnUnload(func(context.Context) error {
			seen.add("the first")
			return nil
		})
		rt.OnUnload(func(ctx context.Context) error {
			if rt.Context().Err() == nil {
				t.Error("the runtime's context is not done")
			}
			if end, ok := ctx.Deadline(); !ok || time.Until(end) < 5*time.Second {
				t.Errorf("the time is over at %v, %v", end, ok)
			}
			time.Sleep(2500 * time.Millisecond) // longer than a host waits without
			seen.add("the last")
			return nil
		})
		return nil
	})
	h := testhost.New()
	loaded, err := h.Load(testhost.Self, nil)
	if err != nil {
		t.Fatal(err)
	}
	loaded.Start("m", nil, 0)
	<-started
	h.Close(60 * time.Second)
	if got := seen.all(); !slices.Equal(got, []string{"a call", "the last", "the first"}) {
		t.Errorf("what happened before the host ended: %q", got)
	}
}

func TestOnUnloadThatFails(t *testing.T) {
	ran := make(chan bool, 1)
	h, loaded := load(t, func(rt *Runtime) error {
		rt.Handle("m", echo)
		rt.OnUnload(func(context.Context) error {
			ran <- true
			return nil
		})
		rt.OnUnload(func(context.Context) error { return errors.New("it is broken") })
		rt.OnUnload(func(context.Context) error { panic("out of here") })
		return nil
	})
	answers(t, loaded.Start("m", []byte("x"), 0), []byte("x"))
	loaded.Unload()
	<-ran
	for _, text := range []string{"it is broken", "out of here"} {
		if !h.HasLine(4, text) {
			t.Errorf("the log does not have %q: %v", text, h.Lines())
		}
	}
}

func TestOnUnloadThatDoesNotReturn(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	serveWith(t, func(rt *Runtime) error {
		rt.OnUnload(func(ctx context.Context) error {
			<-release
			return nil
		})
		return nil
	})
	h := testhost.New()
	if _, err := h.Load(testhost.Self, nil); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	h.Close(2 * time.Second)
	if took := time.Since(start); took < time.Second || took > 20*time.Second {
		t.Errorf("it held up the end for %v", took)
	}
}
