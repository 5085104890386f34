package restyffi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

// shim is a library whose libffi_init is this test's: the host opens a library and calls it, and the test cannot be
// opened as one.
var shim string

const shimSource = `
#define _GNU_SOURCE
#include <dlfcn.h>
int libffi_init(char *cfg, void *tq)
{
	int (*init)(char *, void *) = (int (*)(char *, void *))dlsym(RTLD_DEFAULT, "libffi_init");
	return init ? init(cfg, tq) : 1;
}
`

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if ABI() == 0 {
		fmt.Fprintln(os.Stderr, "The tests need libresty_ffi.so: build native/ and run them with `npm test`, which sets CGO_LDFLAGS.")
		return 1
	}
	folder, err := os.MkdirTemp("", "restyffi-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	shim = filepath.Join(folder, "libffi_go_test.so")
	source := filepath.Join(folder, "shim.c")
	if err := os.WriteFile(source, []byte(shimSource), 0o600); err != nil {
		panic(err)
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-o", shim, source).CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	return m.Run()
}

// serveWith is Serve for one test.
func serveWith(t *testing.T, f func(*Runtime) error) {
	t.Helper()
	setUp, served = f, 1
	t.Cleanup(func() { setUp, served = nil, 0 })
}

// load loads a runtime that f sets up, into a host of its own.
func load(t *testing.T, f func(*Runtime) error) (*testhost.Host, *testhost.Runtime) {
	t.Helper()
	serveWith(t, f)
	h := newHost(t)
	rt, err := h.Load(shim, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h, rt
}

func newHost(t *testing.T) *testhost.Host {
	h := testhost.New()
	t.Cleanup(func() { h.Close(5 * time.Second) })
	return h
}

// handle loads a runtime with one method, "m".
func handle(t *testing.T, f Handler) *testhost.Runtime {
	t.Helper()
	_, rt := load(t, func(rt *Runtime) error {
		rt.Handle("m", f)
		return nil
	})
	return rt
}

// answers fails the test unless the call succeeds with want; nil and empty are different.
func answers(t *testing.T, c *testhost.Call, want []byte) {
	t.Helper()
	got, err := c.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) || (got == nil) != (want == nil) {
		t.Fatalf("the answer is %.100q (nil: %v), want %.100q (nil: %v)", got, got == nil, want, want == nil)
	}
}

// fails fails the test unless the call fails with that code and text.
func fails(t *testing.T, c *testhost.Call, code int, text string) {
	t.Helper()
	got, err := c.Wait()
	var failure *testhost.CallError
	if !errors.As(err, &failure) {
		t.Fatalf("the call answered %.100q, %v; want code %d", got, err, code)
	}
	if failure.Code != code || failure.Text != text {
		t.Fatalf("the call failed with %d %q, want %d %q", failure.Code, failure.Text, code, text)
	}
}

// soon waits for something to become true.
func soon(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s has not happened within 5 s", what)
		}
	}
}

func echo(_ context.Context, request []byte) ([]byte, error) { return request, nil }
