package restyffi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

// count answers the first message n with n messages.
func count(_ context.Context, s *Stream) error {
	first, err := s.Recv()
	n, _ := strconv.Atoi(string(first))
	for i := 0; i < n && err == nil; i++ {
		err = s.Send(strconv.AppendInt(nil, int64(i), 10))
	}
	return err
}

// chat sends each message back.
func chat(_ context.Context, s *Stream) error {
	for {
		message, err := s.Recv()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = s.Send(message)
		}
		if err != nil {
			return err
		}
	}
}

func TestCountedMessages(t *testing.T) {
	rt := stream(t, count)
	for _, n := range []int{0, 1, 2, 5000} { // the last one takes several windows
		s := open(t, rt, "m", []byte(strconv.Itoa(n)), true)
		for i := range n {
			receives(t, s, strconv.Itoa(i))
		}
		ends(t, s)
		ends(t, s)
	}
}

func TestChat(t *testing.T) {
	rt := stream(t, chat)
	s := open(t, rt, "m", nil, false)
	for _, n := range []int{0, 1, 63, 64, 65, 255, 256, 4096, 65536, testhost.Window, 1 << 20} {
		if err := s.Send(pattern(n), false); err != nil {
			t.Fatal(err)
		}
		receives(t, s, string(pattern(n)))
	}
	if err := s.Send(nil, true); err != nil {
		t.Fatal(err)
	}
	ends(t, s)
}

// The end may come alone, with a message, and with the opening, with a first message or without.
func TestEndOfTheClient(t *testing.T) {
	rt := stream(t, func(_ context.Context, s *Stream) error {
		seen := []byte("seen")
		for {
			message, err := s.Recv()
			if err == io.EOF {
				break
			}
			if err != nil || message == nil {
				return fmt.Errorf("got %q (nil: %v), %w", message, message == nil, err)
			}
			seen = append(append(seen, ' '), message...)
		}
		for range 2 {
			if message, err := s.Recv(); err != io.EOF {
				return fmt.Errorf("after the end came %q, %w", message, err)
			}
		}
		return s.Send(seen) // half closed: this direction is still open
	})
	cases := []struct {
		first []byte
		atEnd bool
		then  func(s *testhost.Stream)
		want  string
	}{
		{nil, true, nil, "seen"},
		{[]byte("a"), true, nil, "seen a"},
		{[]byte{}, true, nil, "seen "},
		{nil, false, func(s *testhost.Stream) { s.Send(nil, true) }, "seen"},
		{nil, false, func(s *testhost.Stream) { s.Send([]byte("a"), true) }, "seen a"},
		{[]byte("a"), false, func(s *testhost.Stream) { s.Send(nil, false); s.Send([]byte("b"), false); s.Send([]byte("c"), true) }, "seen a b c"},
	}
	for _, c := range cases {
		s := open(t, rt, "m", c.first, c.atEnd)
		if c.then != nil {
			c.then(s)
		}
		receives(t, s, c.want)
		ends(t, s)
	}
}

func TestRequestIsLentUntilTheNextRecv(t *testing.T) {
	rt := stream(t, func(_ context.Context, s *Stream) error {
		message, err := s.Recv()
		if err != nil {
			return err
		}
		message[0] = 'X'
		if err := errors.Join(s.Send(message), s.Send(message[1:]), s.Send(nil)); err != nil {
			return err
		}
		if s.Method() != "m" {
			return errors.New(s.Method())
		}
		return s.Send(message)
	})
	s := open(t, rt, "m", []byte("abc"), true)
	receives(t, s, "Xbc", "bc", "", "Xbc")
	ends(t, s)
}

// Nobody reads: the handler may send until the window is used up, and then waits.
func TestSlowReaderBoundsWhatIsSent(t *testing.T) {
	for _, size := range []int{1, 1000, 65536, 3 * testhost.Window} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var sent atomic.Int64
			rt := stream(t, func(_ context.Context, s *Stream) error {
				message := pattern(size)
				for range 3 * testhost.Window / cost(size) {
					if err := s.Send(message); err != nil {
						return err
					}
					sent.Add(cost(size))
				}
				return s.Send(nil)
			})
			s := open(t, rt, "m", nil, true)
			testhost.Soon(t, "the use of the whole window", func() bool { return sent.Load() >= testhost.Window })
			time.Sleep(20 * time.Millisecond)
			for read := int64(0); ; read += cost(size) {
				if ahead := sent.Load() - read; ahead > testhost.Window+cost(size) {
					t.Fatalf("%d bytes are under way; the window is %d", ahead, testhost.Window)
				}
				message, err := s.Recv()
				if err != nil {
					t.Fatal(err)
				}
				if len(message) == 0 {
					break
				}
				if !bytes.Equal(message, pattern(size)) {
					t.Fatal("a message has changed on its way")
				}
			}
			ends(t, s)
		})
	}
}

// The handler does not receive: the client may send until the window is used up, and again when half of it was received.
func TestSlowHandlerBoundsWhatIsBuffered(t *testing.T) {
	turn := make(chan bool)
	rt := stream(t, func(_ context.Context, s *Stream) error {
		for range turn {
			if _, err := s.Recv(); err != nil {
				return err
			}
			if err := s.Send([]byte("taken")); err != nil {
				return err
			}
		}
		return nil
	})
	s := open(t, rt, "m", []byte("the first one costs nothing"), false)
	const n = testhost.Window / 256
	for i := range n {
		if err := s.TrySend([]byte("x"), false); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if err := s.TrySend([]byte("x"), false); err != testhost.ErrWait {
		t.Fatalf("the window has no end: %v", err)
	}
	take := func() {
		turn <- true
		receives(t, s, "taken") // frames come in order: the window that was given back is there too
	}
	take() // the first message
	for range n/2 - 1 {
		take()
	}
	if err := s.TrySend([]byte("x"), false); err != testhost.ErrWait {
		t.Fatalf("the window was given back early: %v", err)
	}
	take()
	for range n / 2 {
		if err := s.TrySend([]byte("x"), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.TrySend([]byte("x"), false); err != testhost.ErrWait {
		t.Fatalf("more than half of the window was given back: %v", err)
	}
	close(turn)
	ends(t, s)
}

func TestStreamFailsInTheMiddle(t *testing.T) {
	cases := []struct {
		name string
		f    func() error
		code int
		text string
	}{
		{"with a code", func() error { return Errorf(7, "mid-stream") }, 7, "mid-stream"},
		{"without a code", func() error { return errors.New("plain") }, CodeThrew, "plain"},
		{"panic", func() error { panic("oops") }, CodeThrew, "panic: oops"},
		{"Goexit", func() error { runtime.Goexit(); return nil }, CodeThrew, errNoAnswer.Error()},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, rt := load(t, func(rt *Runtime) error {
				rt.HandleStream("m", func(_ context.Context, s *Stream) error {
					if err := errors.Join(s.Send([]byte("a")), s.Send([]byte("b"))); err != nil {
						return err
					}
					return c.f()
				})
				return nil
			})
			s := open(t, rt, "m", pattern(1000), false)
			receives(t, s, "a", "b")
			endsWith(t, s, c.code, c.text)
			if err := s.TrySend([]byte("late"), false); err == nil || err == testhost.ErrWait {
				t.Errorf("a stream that has ended takes messages: %v", err)
			}
			if logged := c.name == "panic" && h.HasLine(4, "panic=oops stack="); logged != (len(h.Lines()) > 0) {
				t.Errorf("the log is %q", h.Lines())
			}
		})
	}
}

func TestCancelOfAStream(t *testing.T) {
	waits := map[string]func(ctx context.Context, s *Stream) error{
		"in Recv": func(_ context.Context, s *Stream) error { _, err := s.Recv(); return err },
		"in Send": func(_ context.Context, s *Stream) error {
			for {
				if err := s.Send(pattern(5000)); err != nil {
					return err
				}
			}
		},
		"in Done": func(ctx context.Context, _ *Stream) error { <-ctx.Done(); return ctx.Err() },
		"with messages left": func(ctx context.Context, s *Stream) error {
			<-ctx.Done()
			_, err := s.Recv()
			return err
		},
		"of a derived context": func(ctx context.Context, _ *Stream) error {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			<-ctx.Done()
			return ctx.Err()
		},
	}
	reasons := map[int]error{testhost.Cancelled: context.Canceled, testhost.Timeout: context.DeadlineExceeded}
	for name, wait := range waits {
		for code, want := range reasons {
			t.Run(fmt.Sprint(name, code), func(t *testing.T) {
				ended, after := make(chan error, 1), make(chan error, 2)
				rt := stream(t, func(ctx context.Context, s *Stream) error {
					if name != "with messages left" {
						s.Recv()
					}
					s.Send([]byte("ready"))
					err := wait(ctx, s)
					ended <- err
					after <- s.Send([]byte("late"))
					_, rerr := s.Recv()
					after <- rerr
					return err
				})
				s := open(t, rt, "m", []byte("x"), false)
				receives(t, s, "ready")
				if name == "in Send" {
					time.Sleep(10 * time.Millisecond)
				}
				if name == "with messages left" {
					s.Send([]byte("y"), false)
				}
				s.Cancel(code)
				if err := <-ended; err != want {
					t.Errorf("the handler saw %v, want %v", err, want)
				}
				for range 2 {
					if err := <-after; err != want {
						t.Errorf("after its cancellation the stream says %v", err)
					}
				}
			})
		}
	}
}

func TestDeadlineOfAStream(t *testing.T) {
	left := make(chan time.Duration, 1)
	ended := make(chan error, 1)
	rt := stream(t, func(ctx context.Context, s *Stream) error {
		deadline, _ := ctx.Deadline()
		left <- time.Until(deadline)
		_, err := s.Recv()
		ended <- err
		return err
	})
	s, err := rt.Open("m", nil, false, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if d := <-left; d > 200*time.Millisecond || d <= 0 {
		t.Errorf("%v are left of 200 ms", d)
	}
	if _, err := s.Recv(); !strings.HasPrefix(fmt.Sprint(err), "-1 ") {
		t.Errorf("the client saw %v", err)
	}
	if err := <-ended; err != context.DeadlineExceeded {
		t.Errorf("the handler saw %v", err)
	}
}

func TestStreamThatIsOver(t *testing.T) {
	streams := make(chan *Stream, 1)
	blocked := make(chan error, 2)
	rt := stream(t, func(_ context.Context, s *Stream) error {
		streams <- s
		go func() {
			_, err := s.Recv()
			blocked <- err
		}()
		go func() {
			var err error
			for err == nil {
				err = s.Send(pattern(1000))
			}
			blocked <- err
		}()
		time.Sleep(20 * time.Millisecond)
		return nil
	})
	s := open(t, rt, "m", nil, false)
	if _, err := s.All(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-blocked; err != errOver {
			t.Errorf("a goroutine that was left behind got %v", err)
		}
	}
	old := <-streams
	if err := old.Send(nil); err != errOver {
		t.Errorf("Send after the end: %v", err)
	}
	if _, err := old.Recv(); err != errOver {
		t.Errorf("Recv after the end: %v", err)
	}
}

func TestMessageAboveTheLimit(t *testing.T) {
	rt := stream(t, func(_ context.Context, s *Stream) error {
		var refused *Error
		if err := s.Send(make([]byte, maxPayload+1)); !errors.As(err, &refused) || refused.Code != CodeTooLarge {
			return fmt.Errorf("got %w", err)
		}
		return s.Send([]byte("next"))
	})
	s := open(t, rt, "m", nil, true)
	receives(t, s, "next")
	ends(t, s)
}

func TestPlainHandlerAsStream(t *testing.T) {
	h, rt := load(t, func(rt *Runtime) error {
		rt.Handle("m", func(_ context.Context, request []byte) ([]byte, error) {
			switch {
			case request == nil:
				return nil, nil
			case string(request) == "fail":
				return nil, Errorf(9, "nine")
			case string(request) == "throw":
				panic("thrown")
			}
			return append(request, '!'), nil
		})
		rt.HandleDefault(func(_ context.Context, method string, request []byte) ([]byte, error) {
			return append([]byte(method+" "), request...), nil
		})
		return nil
	})
	for _, end := range []bool{true, false} {
		s := open(t, rt, "m", []byte("a"), end)
		receives(t, s, "a!")
		ends(t, s)
	}
	s := open(t, rt, "m", nil, false)
	time.Sleep(5 * time.Millisecond)
	if _, err := s.TryRecv(); err != testhost.ErrWait {
		t.Errorf("the handler was called without a message: %v", err)
	}
	s.Send(pattern(100000), false)
	s.Send([]byte("of no use"), false)
	receives(t, s, string(pattern(100000))+"!")
	ends(t, s)

	s = open(t, rt, "m", nil, true)
	ends(t, s)
	s = open(t, rt, "m", []byte{}, true)
	receives(t, s, "!")
	ends(t, s)
	endsWith(t, open(t, rt, "m", []byte("fail"), true), 9, "nine")
	endsWith(t, open(t, rt, "m", []byte("throw"), true), CodeThrew, "panic: thrown")
	if !h.HasLine(4, "panic=thrown") {
		t.Errorf("the log is %q", h.Lines())
	}
	s = open(t, rt, "any", []byte("x"), true)
	receives(t, s, "any x")
	ends(t, s)

	goroutinesOf(t, func() {
		s := open(t, rt, "m", nil, false)
		s.Cancel(testhost.Cancelled)
	})
}

func TestStreamHandlerAsPlainCall(t *testing.T) {
	_, rt := load(t, func(rt *Runtime) error {
		rt.HandleStream("watch", chat)
		rt.Handle("m", echo)
		return nil
	})
	for range 2 {
		fails(t, rt.Start("watch", []byte("x"), 0), CodeBadArgument, `"watch" is a stream: open it with resty_ffi.stream`)
	}
	missing := `runtime "libffi_go_test.so" has no method "none"; it has: m, watch`
	fails(t, rt.Start("none", nil, 0), CodeNoMethod, missing)
	endsWith(t, open(t, rt, "none", []byte("x"), false), CodeNoMethod, missing)
}

func TestUnloadLetsStreamsFinish(t *testing.T) {
	rt := stream(t, chat)
	s := open(t, rt, "m", []byte("a"), false)
	receives(t, s, "a")
	rt.Unload()
	if err := s.Send([]byte("b"), false); err != nil {
		t.Fatal(err)
	}
	receives(t, s, "b")
	s.Send(nil, true)
	ends(t, s)
}

// The host that ends does not wait for streams: handlers that wait are told.
func TestEndOfTheHostWithOpenStreams(t *testing.T) {
	ended := make(chan error, 100)
	serveWith(t, func(rt *Runtime) error {
		rt.HandleStream("recv", func(_ context.Context, s *Stream) error {
			s.Send([]byte("ready"))
			_, err := s.Recv()
			ended <- err
			return err
		})
		rt.HandleStream("send", func(_ context.Context, s *Stream) error {
			var err error
			for err == nil {
				err = s.Send([]byte("ready"))
			}
			ended <- err
			return nil
		})
		return nil
	})
	goroutinesOf(t, func() {
		h := testhost.New()
		rt, err := h.Load(testhost.Self, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			s, err := rt.Open([]string{"recv", "send"}[i%2], nil, false, 0)
			if err != nil {
				t.Fatal(err)
			}
			receives(t, s, "ready")
		}
		start := time.Now()
		h.Close(20 * time.Second)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("handlers that obey held up the end for %v", took)
		}
	})
	for range 100 {
		if err := <-ended; err != context.Canceled {
			t.Errorf("a handler saw %v", err)
		}
	}
}

// A handler that returns nil after it learned about the unload has not finished its work.
func TestStreamThatIsCutShortDoesNotLookComplete(t *testing.T) {
	rt := &Runtime{}
	_, loaded := load(t, func(r *Runtime) error {
		rt = r
		rt.HandleStream("m", func(_ context.Context, s *Stream) error {
			s.Send([]byte("ready"))
			s.Recv()
			return nil
		})
		return nil
	})
	s := open(t, loaded, "m", nil, false)
	receives(t, s, "ready")
	for _, c := range rt.calls.all() {
		c.cancel(cancelled) // as the unload does
	}
	endsWith(t, s, CodeCancelled, context.Canceled.Error())
}

func TestStreamsAtOnce(t *testing.T) {
	_, rt := load(t, func(rt *Runtime) error {
		rt.HandleStream("chat", chat)
		rt.HandleStream("count", count)
		rt.Handle("echo", echo)
		return nil
	})
	var all sync.WaitGroup
	for i := range 30 {
		all.Add(3)
		go func() {
			defer all.Done()
			s := open(t, rt, "count", []byte("2000"), true)
			if messages, err := s.All(); len(messages) != 2000 || err != nil {
				t.Errorf("%d messages, %v", len(messages), err)
			}
		}()
		go func() {
			defer all.Done()
			s := open(t, rt, "chat", nil, false)
			message := bytes.Repeat([]byte{byte(i)}, 3000)
			go func() {
				for range 300 {
					s.Send(message, false)
				}
				s.Send(nil, true)
			}()
			messages, err := s.All()
			if len(messages) != 300 || err != nil {
				t.Errorf("%d messages, %v", len(messages), err)
			}
			for _, m := range messages {
				if !bytes.Equal(m, message) {
					t.Error("a message of another stream")
					return
				}
			}
		}()
		go func() {
			defer all.Done()
			for range 20 {
				if response, err := rt.Call("echo", []byte("x")); err != nil || string(response) != "x" {
					t.Errorf("%q, %v", response, err)
				}
			}
		}()
	}
	all.Wait()
}

// Streams leave nothing behind, whatever their end.
func TestMemoryAfterManyStreams(t *testing.T) {
	rt := stream(t, chat)
	round := func(n int) (heap, resident uint64) {
		for i := range n {
			s, err := rt.Open("m", []byte("a"), false, 0)
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				s.Send(pattern(20000), true)
				if _, err := s.All(); err != nil {
					t.Fatal(err)
				}
			} else {
				s.Send(pattern(20000), false)
			}
			s.Close()
			// No more than these wait at once, however slow the runtime is, with the race detector in it. The answer to
			// a call says that all frames before it have been taken.
			if i%100 == 99 {
				rt.Call("no such method", nil)
				testhost.Soon(t, "the end of the streams", func() bool { return runtime.NumGoroutine() < 20 })
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, residentMemory(t)
	}
	heap, resident := round(2000)
	heapAfter, residentAfter := round(10000)
	if heapAfter > heap+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes over 10000 streams", heap, heapAfter)
	}
	if !raceDetector && residentAfter > resident+32<<20 { // with the payload memory
		t.Errorf("the process grew from %d to %d bytes over 10000 streams with messages of 20000 bytes", resident, residentAfter)
	}
}

func residentMemory(t *testing.T) uint64 {
	t.Helper()
	var size, resident uint64
	if _, err := fmt.Sscan(string(read(t, "/proc/self/statm")), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * uint64(os.Getpagesize())
}

func TestInbox(t *testing.T) {
	var b inbox
	in, out := 0, 0
	for i := range 20000 {
		for range []int{3, 1, 0, 2, 0}[i%5] {
			b.push(payload{len: in})
			in++
		}
		if in-out > 100 || i%3 == 0 {
			for !b.empty() && in-out > 50 {
				if p := b.pop(); p.len != out {
					t.Fatalf("got %d, want %d", p.len, out)
				}
				out++
			}
		}
	}
	if cap(b.messages) > 500 {
		t.Errorf("room for %d messages, of which there were never more than 104", cap(b.messages))
	}
}

// The messages of one stream to a host that reads as fast as it can.
func BenchmarkSend(b *testing.B) {
	setUp, served = func(rt *Runtime) error {
		rt.HandleStream("m", func(_ context.Context, s *Stream) error {
			message := pattern(64)
			var err error
			for i := 0; i < b.N && err == nil; i++ {
				err = s.Send(message)
			}
			return err
		})
		return nil
	}, 1
	defer func() { setUp, served = nil, 0 }()
	h := testhost.New()
	defer h.Close(time.Second)
	rt, err := h.Load(testhost.Self, nil)
	if err != nil {
		b.Fatal(err)
	}
	s, err := rt.Open("m", nil, true, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for err == nil {
		_, err = s.Recv()
	}
}
