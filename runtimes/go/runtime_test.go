package restyffi

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

func str(s string) *string { return &s }

func TestConfig(t *testing.T) {
	for _, cfg := range []*string{nil, str(""), str("plain text"), str(`{"a": [1, 2]}`), str("a\x00b")} {
		var got string
		var ok bool
		serveWith(t, func(rt *Runtime) error {
			got, ok = rt.Config()
			return nil
		})
		if _, err := newHost(t).Load(testhost.Self, cfg); err != nil {
			t.Fatal(err)
		}
		if ok != (cfg != nil) || (ok && got != *cfg) {
			t.Errorf("got %q, %v", got, ok)
		}
	}
}

func TestDecodeConfig(t *testing.T) {
	type config struct {
		Name  string
		Count int
	}
	cases := []struct {
		cfg  *string
		want config
		err  string
	}{
		{nil, config{"default", 1}, ""},
		{str(`{"name":"x"}`), config{"x", 1}, ""},
		{str(`{"name":"x","count":5}`), config{"x", 5}, ""},
		{str(``), config{}, "EOF"},
		{str(`{"nam":"x"}`), config{}, `unknown field "nam"`},
		{str(`{"count":"x"}`), config{}, "cannot unmarshal string"},
		{str(`{} {}`), config{}, "there is more text after the JSON value"},
	}
	for _, c := range cases {
		got := config{"default", 1}
		serveWith(t, func(rt *Runtime) error { return rt.DecodeConfig(&got) })
		_, err := newHost(t).Load(testhost.Self, c.cfg)
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("got %v, %v; want %v", got, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) ||
			!strings.Contains(err.Error(), `of runtime "libffi_go_test.so" cannot be decoded`)):
			t.Errorf("got %v, want an error that says %q", err, c.err)
		}
	}
}

func TestLoadFails(t *testing.T) {
	cases := []struct {
		name  string
		setUp func(*Runtime) error
		text  string
	}{
		{"with an error", func(*Runtime) error { return errors.New("no database") }, "no database"},
		{"with a code", func(*Runtime) error { return Errorf(77, "no licence") }, "no licence – libffi_init returned 77"},
		{"with a panic", func(*Runtime) error { panic("no luck") }, "panic: no luck"},
		{"with Goexit", func(*Runtime) error { runtime.Goexit(); return nil }, "runtime.Goexit"},
		{"two handlers of a name", func(rt *Runtime) error {
			rt.Handle("m", echo)
			rt.Handle("m", echo)
			return nil
		}, `restyffi: method "m" has a handler already`},
		{"nil handler", func(rt *Runtime) error {
			rt.Handle("m", nil)
			return nil
		}, `restyffi: the handler of method "m" is nil`},
		{"a stream of the same name", func(rt *Runtime) error {
			rt.Handle("m", echo)
			rt.HandleStream("m", chat)
			return nil
		}, `restyffi: method "m" has a handler already`},
		{"nil stream handler", func(rt *Runtime) error {
			rt.HandleStream("m", nil)
			return nil
		}, `restyffi: the handler of method "m" is nil`},
		{"two default handlers", func(rt *Runtime) error {
			f := func(context.Context, string, []byte) ([]byte, error) { return nil, nil }
			rt.HandleDefault(f)
			rt.HandleDefault(f)
			return nil
		}, "restyffi: there is a default handler already"},
		{"nil default handler", func(rt *Runtime) error {
			rt.HandleDefault(nil)
			return nil
		}, "restyffi: the default handler is nil"},
		{"dict too early", func(rt *Runtime) error {
			_, err := rt.Dict().Get(rt.Context(), "k")
			return err
		}, `the shared dict was used while runtime "libffi_go_test.so" was being set up`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var rt *Runtime
			serveWith(t, func(r *Runtime) error {
				rt = r
				return c.setUp(r)
			})
			_, err := newHost(t).Load(testhost.Self, nil)
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("got %v, want an error that says %q", err, c.text)
			}
			if rt.Context().Err() == nil {
				t.Error("the context of a runtime that does not serve is not done")
			}
			rt.Logger().Info("into the void")
		})
	}
}

func TestServeMustBeCalledOnce(t *testing.T) {
	serveWith(t, nil)
	for _, n := range []int{0, 1, 2} {
		setUp, served = nil, 0
		for range n {
			Serve(func(*Runtime) error { return nil })
		}
		_, err := newHost(t).Load(testhost.Self, nil)
		if (err == nil) != (n == 1) {
			t.Errorf("after %d calls of Serve: %v", n, err)
		}
	}
	setUp, served = nil, 0
	Serve(nil)
	if _, err := newHost(t).Load(testhost.Self, nil); err == nil {
		t.Error("Serve(nil) was accepted")
	}
}

func TestHandleIsForTheSetUpOnly(t *testing.T) {
	var rt *Runtime
	load(t, func(r *Runtime) error {
		rt = r
		return nil
	})
	for _, register := range []func(){
		func() { rt.Handle("late", echo) },
		func() { rt.HandleStream("late", chat) },
		func() {
			rt.HandleDefault(func(context.Context, string, []byte) ([]byte, error) { return nil, nil })
		},
	} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.Contains(p.(string), "after the set-up") {
					t.Errorf("panic: %v", p)
				}
			}()
			register()
		}()
	}
}

func TestRuntimesDoNotMix(t *testing.T) {
	serveWith(t, func(rt *Runtime) error {
		name, _ := rt.Config()
		rt.Handle("name", func(context.Context, []byte) ([]byte, error) { return []byte(name), nil })
		rt.Handle("only "+name, echo)
		return nil
	})
	h := newHost(t)
	one, err := h.Load(testhost.Self, str("one"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := h.Load(testhost.Self, str("two"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 200 {
		all.Add(1)
		go func() {
			defer all.Done()
			answers(t, one.Start("name", nil, 0), []byte("one"))
			answers(t, two.Start("name", nil, 0), []byte("two"))
		}()
	}
	all.Wait()
	answers(t, one.Start("only one", []byte("x"), 0), []byte("x"))
	fails(t, two.Start("only one", []byte("x"), 0), CodeNoMethod, `runtime "libffi_go_test.so" has no method "only one"; it has: name, only two`)
	one.Unload()
	answers(t, two.Start("name", nil, 0), []byte("two"))
}
