package restyffi

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

func TestDeadline(t *testing.T) {
	rt := handle(t, func(ctx context.Context, _ []byte) ([]byte, error) {
		deadline, ok := ctx.Deadline()
		if !ok {
			return nil, nil
		}
		return strconv.AppendInt(nil, time.Until(deadline).Milliseconds(), 10), nil
	})
	answers(t, rt.Start("m", nil, 0), nil)
	response, err := rt.Start("m", nil, time.Minute).Wait()
	if left, _ := strconv.Atoi(string(response)); err != nil || left > 60000 || left < 59000 {
		t.Fatalf("a minute from now is %s ms away, %v", response, err)
	}
}

func TestCancel(t *testing.T) {
	cases := []struct {
		name string
		code int
		want error
		wait func(ctx context.Context) error
	}{
		{"Done", testhost.Cancelled, context.Canceled, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}},
		{"at the deadline", testhost.Timeout, context.DeadlineExceeded, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}},
		{"derived context", testhost.Cancelled, context.Canceled, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			<-ctx.Done()
			return ctx.Err()
		}},
		{"AfterFunc", testhost.Cancelled, context.Canceled, func(ctx context.Context) error {
			ran := make(chan error, 1)
			context.AfterFunc(ctx, func() { ran <- ctx.Err() })
			return <-ran
		}},
		{"AfterFunc, too late", testhost.Cancelled, context.Canceled, func(ctx context.Context) error {
			<-ctx.Done()
			ran := make(chan error, 1)
			ctx.(*call).AfterFunc(func() { ran <- ctx.Err() })
			return <-ran
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			started, ended := make(chan bool), make(chan error, 1)
			rt := handle(t, func(ctx context.Context, request []byte) ([]byte, error) {
				if request != nil {
					return request, nil
				}
				started <- ctx.Err() == nil
				err := c.wait(ctx)
				ended <- err
				return nil, err
			})
			call := rt.Start("m", nil, 0)
			if !<-started {
				t.Fatal("the context was done before the call was cancelled")
			}
			call.Cancel(c.code)
			if err := <-ended; err != c.want {
				t.Fatalf("the handler saw %v, want %v", err, c.want)
			}
			answers(t, rt.Start("m", []byte("next"), 0), []byte("next"))
		})
	}
}

func TestDerivedContextsCostNoGoroutine(t *testing.T) {
	rt := handle(t, func(ctx context.Context, _ []byte) ([]byte, error) {
		before := runtime.NumGoroutine()
		for range 100 {
			_, cancel := context.WithCancel(ctx)
			defer cancel()
		}
		return strconv.AppendInt(nil, int64(runtime.NumGoroutine()-before), 10), nil
	})
	response, err := rt.Call("m", nil)
	if n, _ := strconv.Atoi(string(response)); err != nil || n > 20 {
		t.Fatalf("100 contexts started %s goroutines, %v", response, err)
	}
}

func TestContextIsDoneWhenTheHandlerHasReturned(t *testing.T) {
	contexts := make(chan context.Context, 1)
	left := make(chan error, 1)
	rt := handle(t, func(ctx context.Context, _ []byte) ([]byte, error) {
		contexts <- ctx
		started := make(chan bool)
		go func() {
			done := ctx.Done()
			close(started)
			<-done
			left <- ctx.Err()
		}()
		<-started
		return nil, nil
	})
	answers(t, rt.Start("m", nil, 0), nil)
	if err := <-left; err != context.Canceled {
		t.Fatalf("a goroutine that was left behind saw %v", err)
	}
	ctx := <-contexts
	<-ctx.Done()
	if ctx.Value("any") != nil || ctx.Err() != context.Canceled {
		t.Fatalf("the context of a call that is over has %v and %v", ctx.Value("any"), ctx.Err())
	}
}

func TestStoppedAfterFuncDoesNotRun(t *testing.T) {
	var ran atomic.Bool
	rt := handle(t, func(ctx context.Context, _ []byte) ([]byte, error) {
		stop := context.AfterFunc(ctx, func() { ran.Store(true) })
		if !stop() {
			return nil, errors.New("it was not waiting")
		}
		return nil, nil
	})
	answers(t, rt.Start("m", nil, 0), nil)
	answers(t, rt.Start("m", nil, 0), nil)
	if ran.Load() {
		t.Fatal("the function ran")
	}
}

// A call's state word and lock are raced by whoever cancels, whoever watches and the handler's end.
func TestWatchersAreToldWhateverComesFirst(t *testing.T) {
	for range 2000 {
		c := &call{}
		told := make(chan bool, 2)
		go c.cancel(cancelled)
		go func() {
			<-c.Done()
			told <- c.Err() != nil
		}()
		c.AfterFunc(func() { told <- c.Err() != nil })
		for range 2 {
			select {
			case ok := <-told:
				if !ok {
					t.Fatal("a watcher was told before Err was set")
				}
			case <-time.After(5 * time.Second):
				t.Fatal("a watcher was not told")
			}
		}
	}
}

func TestFirstReasonStays(t *testing.T) {
	c := &call{}
	c.cancel(expired)
	c.cancel(cancelled)
	if c.Err() != context.DeadlineExceeded {
		t.Fatal(c.Err())
	}
	c = &call{}
	c.cancel(cancelled)
	c.cancel(expired)
	if c.Err() != context.Canceled {
		t.Fatal(c.Err())
	}
	if !c.claim() || c.claim() {
		t.Fatal("an END can be claimed once, no more and no less")
	}
}

// A call is the one allocation of a plain call.
func TestSizeOfACall(t *testing.T) {
	if size := unsafe.Sizeof(call{}); size > 112 {
		t.Fatalf("a call takes %d bytes; 112 is a size class of the allocator, the next one is 128", size)
	}
}

func TestCallTable(t *testing.T) {
	var table callTable
	calls := make([]*call, 5000)
	for i := range calls {
		calls[i] = &call{id: uint64(i%1250) << 32 << (i / 1250)}
		calls[i].id += uint64(i / 1250)
		table.add(calls[i])
	}
	for i := 0; i < len(calls); i += 2 {
		table.remove(calls[i])
	}
	for i, c := range calls {
		if found := table.find(c.id); (found == c) != (i%2 == 1) {
			t.Fatalf("call %d: found %v", i, found)
		}
	}
	if n := len(table.all()); n != len(calls)/2 {
		t.Fatalf("%d calls are left, want %d", n, len(calls)/2)
	}
}
