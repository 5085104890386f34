// Package lua calls a client library in a test as packages/lua/lib/resty/ffi/client.lua does.
package lua

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"github.com/vmihailenco/msgpack/v5"
)

// Table is a Lua table.
type Table = map[string]any

// With returns the options together with more of them.
func With(options, more Table) Table {
	all := maps.Clone(options)
	if all == nil {
		all = Table{}
	}
	maps.Copy(all, more)
	return all
}

// Load loads the test program, which is the library under test, into a host that ends with the test.
func Load(t testing.TB) (*testhost.Host, *testhost.Runtime) {
	t.Helper()
	h := testhost.New()
	t.Cleanup(func() { h.Close(10 * time.Second) })
	rt, err := h.Load(testhost.Self, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h, rt
}

// Pack encodes a value as MessagePack.
func Pack(t testing.TB, v any) []byte {
	t.Helper()
	text, err := msgpack.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Request encodes a request of a client with these options. The text of the options is the id of the client.
func Request(t testing.TB, options Table, body any) []byte {
	t.Helper()
	return Pack(t, []any{fmt.Sprint(options), body, string(Pack(t, options))})
}

// Fails fails the test unless err is the failure of a call, with this code and a text that contains all of texts.
func Fails(t testing.TB, err error, code int, texts ...string) {
	t.Helper()
	var failure *testhost.CallError
	if !errors.As(err, &failure) || failure.Code != code {
		t.Errorf("%v; want %d %q", err, code, texts)
		return
	}
	for _, text := range texts {
		if !strings.Contains(failure.Text, text) {
			t.Errorf("%v; want %d %q", err, code, text)
		}
	}
}
