package pool

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

func TestTheIdleTimeIsAMinuteUnlessTold(t *testing.T) {
	for given, want := range map[float64]time.Duration{
		0: time.Minute, -1: time.Minute, math.NaN(): time.Minute, 0.25: 250 * time.Millisecond,
		1e-12: leastIdle, 1e300: mostIdle, math.Inf(1): mostIdle,
	} {
		if got := (&Options{IdleTimeout: given}).Idle(); got != want {
			t.Errorf("%v s: %v, not %v", given, got, want)
		}
	}
}

func TestAnUnknownClientNeedsItsOptions(t *testing.T) {
	f := load(t, nil)
	fails(t, f.rt.Start("name", request(t, "a", empty{}, nil), 0), CodeUnknownClient,
		"the options of this client are needed")
	f.named("a", 0)
	if _, err := f.rt.Call("name", request(t, "a", empty{}, nil)); err != nil {
		t.Error(err)
	}
	if n := f.made.Load(); n != 1 {
		t.Errorf("%d clients were made", n)
	}
}

func TestAllWhoAskAtOnceGetTheSameClient(t *testing.T) {
	f := load(t, func(f *fixture, _ context.Context, o *testOptions) (*testClient, error) {
		time.Sleep(50 * time.Millisecond)
		return f.client(o), nil
	})
	atOnce(100, func(k int) { f.named([]string{"a", "b"}[k%2], 0) })
	if n := f.made.Load(); n != 2 {
		t.Errorf("%d clients were made", n)
	}
}

func TestAClientThatCannotBeMadeFailsAllWhoWaitAndIsTriedAnew(t *testing.T) {
	const callers = 50
	f := load(t, func(f *fixture, _ context.Context, o *testOptions) (*testClient, error) {
		if f.made.Load() > 1 {
			return f.client(o), nil
		}
		for end := time.Now().Add(20 * time.Second); f.users("a") < callers && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		return nil, restyffi.Errorf(14, "nobody is there")
	})
	atOnce(callers, func(int) { fails(t, f.begin("name", "a", empty{}, 0), 14, "nobody is there") })
	f.named("a", 0)
}

func TestAConnectThatDoesNotReturnProperly(t *testing.T) {
	f := load(t, func(f *fixture, _ context.Context, o *testOptions) (*testClient, error) {
		switch f.made.Load() {
		case 1:
			panic("no")
		case 2:
			runtime.Goexit()
		}
		return f.client(o), nil
	})
	fails(t, f.begin("name", "a", empty{}, 0), restyffi.CodeThrew, "a client cannot be made: panic: no")
	fails(t, f.begin("name", "a", empty{}, 0), restyffi.CodeThrew,
		"a client cannot be made: connect ended its goroutine")
	f.named("a", 0)
}

func TestWhoAskedFirstMayGoAway(t *testing.T) {
	made := make(chan struct{})
	f := load(t, func(f *fixture, ctx context.Context, o *testOptions) (*testClient, error) {
		<-made
		return f.client(o), ctx.Err()
	})
	first := f.begin("name", "a", empty{}, 0.05)
	testhost.Soon(t, "connect", func() bool { return f.made.Load() == 1 })
	second := f.begin("name", "a", empty{}, 0.05)
	first.Cancel(-2)
	close(made)
	if _, err := second.Wait(); err != nil {
		t.Error(err)
	}
	testhost.Soon(t, "the end of the client, which nobody uses", func() bool { return f.closed.Load() == 1 })
}

func TestAnIdleClientIsClosedAndMadeAnew(t *testing.T) {
	f := load(t, nil)
	for n := range int64(3) {
		f.named("a", 0.02)
		testhost.Soon(t, "the end", func() bool { return f.closed.Load() == n+1 })
	}
	if n := f.made.Load(); n != 3 {
		t.Errorf("%d clients were made", n)
	}
}

func TestAClientInUseIsNotClosed(t *testing.T) {
	f := load(t, nil)
	s, err := f.rt.Open("echo", request(t, "a", nap{7}, map[string]any{"name": "a", "idle_timeout": 0.01}), false, 0)
	if err != nil {
		t.Fatal(err)
	}
	napping := f.begin("nap", "b", nap{150}, 0.01)
	if answer, err := napping.Wait(); err != nil || string(answer) != string(lua.Pack(t, false)) {
		t.Errorf("%q, %v", answer, err)
	}
	testhost.Soon(t, "the end of b", func() bool { return f.closed.Load() == 1 })
	if message, err := s.Recv(); err != nil || len(message) == 0 {
		t.Errorf("%q, %v", message, err)
	}
	s.Close()
	testhost.Soon(t, "the end of a", func() bool { return f.closed.Load() == 2 })
}

// Clients are asked for about when their idle time is over.
func TestNobodyGetsAClosedClient(t *testing.T) {
	f := load(t, nil)
	atOnce(20, func(k int) {
		for i := range 60 {
			answer, err := f.begin("nap", fmt.Sprint(k/2), nap{0}, leastIdle.Seconds()).Wait()
			if err != nil || string(answer) != string(lua.Pack(t, false)) {
				t.Errorf("%q, %v", answer, err)
			}
			time.Sleep(leastIdle - 2*time.Millisecond + time.Duration((i*7+k)%40)*100*time.Microsecond)
		}
	})
	testhost.Soon(t, "the end of all", func() bool { return f.closed.Load() == f.made.Load() })
	if f.made.Load() < 50 {
		t.Errorf("only %d clients were made: nothing was tested", f.made.Load())
	}
}

func TestTenThousandDroppedClientsLeaveNothing(t *testing.T) {
	f := load(t, nil)
	f.named("first", 0.01)
	testhost.Soon(t, "the end of the first", func() bool { return f.closed.Load() == 1 })
	before := runtime.NumGoroutine()
	atOnce(10, func(k int) {
		for i := range 1000 {
			f.named(fmt.Sprint(k, i), 0.01)
		}
	})
	testhost.Soon(t, "the end of all", func() bool { return f.closed.Load() == 10_001 })
	testhost.Soon(t, "the end of the goroutines", func() bool { return runtime.NumGoroutine() <= before+2 })
	f.pool.mu.Lock()
	defer f.pool.mu.Unlock()
	if n := len(f.pool.entries); n > 0 {
		t.Errorf("%d entries are left", n)
	}
}

func TestUnloadClosesAllClients(t *testing.T) {
	f := load(t, nil)
	for k := range 20 {
		f.named(fmt.Sprint(k), 1e6)
	}
	f.rt.Unload()
	testhost.Soon(t, "the end of all", func() bool { return f.closed.Load() == 20 })
}

func TestUnloadWaitsALittleForWhoUsesAClient(t *testing.T) {
	f := load(t, nil)
	f.named("a", 1e6)
	staying := f.begin("stay", "a", empty{}, 0)
	testhost.Soon(t, "the call", func() bool {
		f.pool.mu.Lock()
		defer f.pool.mu.Unlock()
		return f.pool.entries["a"].users.Load() == 1
	})
	go func() { _ = f.pool.close(context.Background()) }() // an unload waits for calls first, as long as the host lets it
	staying.Cancel(-2)
	testhost.Soon(t, "the end", func() bool { return f.closed.Load() == 1 })
}

func TestUnloadWhileAClientIsBeingMade(t *testing.T) {
	for name, fail := range map[string]bool{"and it fails": true, "and it is there after all": false} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			f := load(t, func(f *fixture, ctx context.Context, o *testOptions) (*testClient, error) {
				<-release
				if fail {
					return nil, errors.New("the context is done")
				}
				return f.client(o), nil
			})
			call := f.begin("name", "a", empty{}, 1e6)
			testhost.Soon(t, "connect", func() bool { return f.made.Load() == 1 })
			f.pool.refuse()
			go func() { _ = f.pool.close(context.Background()) }()
			fails(t, f.begin("name", "b", empty{}, 0), restyffi.CodeUnloaded,
				fmt.Sprintf("runtime %q is being unloaded", f.pool.rt.Name()))
			close(release)
			_, err := call.Wait()
			if (err != nil) != fail {
				t.Errorf("%v", err)
			}
			if !fail {
				testhost.Soon(t, "the end", func() bool { return f.closed.Load() == 1 })
			}
		})
	}
}

func TestUnloadEndsAConnectThatWaits(t *testing.T) {
	ended := make(chan error, 1)
	f := load(t, func(_ *fixture, ctx context.Context, _ *testOptions) (*testClient, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	})
	call := f.begin("name", "a", empty{}, 0)
	testhost.Soon(t, "connect", func() bool { return f.made.Load() == 1 })
	call.Cancel(-2)
	f.rt.Unload()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("connect was not told")
	}
}
