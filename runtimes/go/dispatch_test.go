package restyffi

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

// Handlers that wait, hold their thread, or compute must not hold up the others of their batch: neither those that come
// after them, nor the answers of those that came before. On one processor nobody else can come to the rescue.
func TestHandlersAreIndependent(t *testing.T) {
	var release chan struct{}
	released := func() bool {
		select {
		case <-release:
			return true
		default:
			return false
		}
	}
	slow := map[string]Handler{
		"waits": func(context.Context, []byte) ([]byte, error) {
			<-release
			return nil, nil
		},
		"holds its thread": func(context.Context, []byte) ([]byte, error) {
			for !released() {
				syscall.Nanosleep(&syscall.Timespec{Nsec: 100e6}, nil)
			}
			return nil, nil
		},
		"computes": func(context.Context, []byte) ([]byte, error) {
			for !released() {
			}
			return nil, nil
		},
	}
	for _, processors := range []int{1, 2} {
		for name, handler := range slow {
			t.Run(fmt.Sprintf("%s, %d", name, processors), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
				release = make(chan struct{})
				end := sync.OnceFunc(func() { close(release) })
				_, rt := load(t, func(rt *Runtime) error {
					rt.Handle("quick", echo)
					rt.Handle("slow", handler)
					return nil
				})
				t.Cleanup(end) // before the host's
				methods, requests := make([]string, 200), make([][]byte, 200)
				for i := range methods {
					methods[i] = "quick"
					requests[i] = []byte{byte(i)}
				}
				for i := 3; i < len(methods); i += 80 {
					methods[i] = "slow"
				}
				calls := rt.StartAll(methods, requests, 0)
				for i, c := range calls {
					if methods[i] == "quick" {
						answers(t, c, requests[i])
					}
				}
				for i, c := range calls {
					if methods[i] == "slow" && c.Done() {
						t.Error("a slow handler has answered before it could")
					}
				}
				end()
				for i, c := range calls {
					if methods[i] == "slow" {
						answers(t, c, nil)
					}
				}
			})
		}
	}
}

func TestThousandsOfCallsThatWait(t *testing.T) {
	release := make(chan struct{})
	waiting := make(chan bool, 20000)
	_, rt := load(t, func(rt *Runtime) error {
		rt.Handle("wait", func(context.Context, []byte) ([]byte, error) {
			waiting <- true
			<-release
			return []byte("done"), nil
		})
		rt.Handle("echo", echo)
		return nil
	})
	const n = 20000
	methods := make([]string, n)
	for i := range methods {
		methods[i] = "wait"
	}
	calls := rt.StartAll(methods, make([][]byte, n), 0)
	for range n {
		<-waiting
	}
	answers(t, rt.Start("echo", []byte("still there"), 0), []byte("still there"))
	close(release)
	for _, c := range calls {
		answers(t, c, []byte("done"))
	}
}

// Calls leave nothing behind, cancelled or not.
func TestMemoryAfterManyCalls(t *testing.T) {
	rt := handle(t, func(ctx context.Context, request []byte) ([]byte, error) {
		if request == nil {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return request, nil
	})
	round := func() uint64 {
		for range 10 {
			methods := make([]string, 1000)
			for i := range methods {
				methods[i] = "m"
			}
			for _, c := range rt.StartAll(methods, make([][]byte, len(methods)), time.Minute) {
				c.Cancel(CodeCancelled)
			}
			answers(t, rt.Start("m", []byte("next"), 0), []byte("next"))
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	round()
	testhost.Soon(t, "the end of the cancelled handlers", func() bool { return runtime.NumGoroutine() < 50 })
	before := round()
	testhost.Soon(t, "the end of the cancelled handlers", func() bool { return runtime.NumGoroutine() < 50 })
	after := round()
	if after > before+2<<20 {
		t.Fatalf("the heap grew from %d to %d bytes over 10000 cancelled calls", before, after)
	}
}
