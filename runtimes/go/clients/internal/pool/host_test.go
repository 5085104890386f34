package pool

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

// setUp is what the test that runs just now wants its runtime to be.
var setUp func(*restyffi.Runtime) error

func init() { restyffi.Serve(func(rt *restyffi.Runtime) error { return setUp(rt) }) }

func TestMain(m *testing.M) { testhost.Main(m) }

const invalid = 33

type testOptions struct {
	Options
	Name string `msgpack:"name"`
}

// testClient notes whether it is used after it was closed.
type testClient struct {
	f      *fixture
	name   string
	closed atomic.Bool
}

func (c *testClient) Close(context.Context) {
	if c.closed.Swap(true) {
		c.f.t.Error("a client was closed twice")
	}
	c.f.closed.Add(1)
}

type fixture struct {
	t      *testing.T
	h      *testhost.Host
	rt     *testhost.Runtime
	pool   *Pool[testOptions, *testClient]
	made   atomic.Int64
	closed atomic.Int64
}

type empty struct{}

type nap struct {
	Millis int `msgpack:"millis"`
}

// load loads a runtime with a pool: "name" answers with the client's, "nap" uses it for a while, "stay" until it is
// told to go, the stream "echo" sends messages back.
func load(t *testing.T, connect func(*fixture, context.Context, *testOptions) (*testClient, error)) *fixture {
	t.Helper()
	f := &fixture{t: t}
	setUp = func(rt *restyffi.Runtime) error {
		f.pool = New(rt, invalid, func(o *testOptions) time.Duration { return o.Idle() },
			func(ctx context.Context, o *testOptions) (*testClient, error) {
				f.made.Add(1)
				if connect != nil {
					return connect(f, ctx, o)
				}
				return f.client(o), nil
			})
		Handle(f.pool, "name", func(_ context.Context, c *testClient, _ *empty) (string, error) { return c.name, nil })
		Handle(f.pool, "nap", func(ctx context.Context, c *testClient, body *nap) (bool, error) {
			select {
			case <-time.After(time.Duration(body.Millis) * time.Millisecond):
			case <-ctx.Done():
			}
			return c.closed.Load(), nil
		})
		Handle(f.pool, "stay", func(ctx context.Context, c *testClient, _ *empty) (bool, error) {
			<-ctx.Done()
			time.Sleep(100 * time.Millisecond)
			if c.closed.Load() {
				t.Error("the client was closed while it was used")
			}
			return true, nil
		})
		HandleStream(f.pool, "echo", func(_ context.Context, c *testClient, body *nap, s *Stream) error {
			if err := s.Send(map[string]any{"name": c.name, "first": body.Millis}); err != nil {
				return err
			}
			for {
				var message nap
				if err := s.Recv(&message); err != nil {
					return err
				}
				if err := s.Send(message); err != nil {
					return err
				}
			}
		})
		return nil
	}
	f.h, f.rt = lua.Load(t)
	return f
}

// users returns how many calls wait for a client or use it.
func (f *fixture) users(id string) int64 {
	f.pool.mu.Lock()
	defer f.pool.mu.Unlock()
	if e := f.pool.entries[id]; e != nil {
		return e.users.Load()
	}
	return 0
}

func (f *fixture) client(o *testOptions) *testClient { return &testClient{f: f, name: o.Name} }

// request is what client.lua sends; options may be nil.
func request(t *testing.T, id string, body any, options map[string]any) []byte {
	t.Helper()
	if options == nil {
		return lua.Pack(t, []any{id, body})
	}
	return lua.Pack(t, []any{id, body, string(lua.Pack(t, options))})
}

// begin begins a call in the manner of client.lua.
func (f *fixture) begin(method, name string, body any, idle float64) *testhost.Call {
	options := map[string]any{"name": name, "idle_timeout": idle}
	return f.rt.Start(method, request(f.t, name, body, options), 0)
}

// named fails the test unless the client of this name answers.
func (f *fixture) named(name string, idle float64) {
	f.t.Helper()
	answer, err := f.begin("name", name, empty{}, idle).Wait()
	if err != nil || string(answer) != string(lua.Pack(f.t, name)) {
		f.t.Errorf("%q, %v; want %q", answer, err, name)
	}
}

func fails(t *testing.T, c *testhost.Call, code int, text string) {
	t.Helper()
	answer, err := c.Wait()
	var failure *testhost.CallError
	if !errors.As(err, &failure) || failure.Code != code || failure.Text != text {
		t.Errorf("%q, %v; want %d %s", answer, err, code, text)
	}
}

// atOnce runs f n times at the same time, and waits.
func atOnce(n int, f func(k int)) {
	var all sync.WaitGroup
	for k := range n {
		all.Go(func() { f(k) })
	}
	all.Wait()
}
