package main

import (
	"fmt"
	"testing"
	"time"
)

func TestDict(t *testing.T) {
	rt := load(t)
	const absent = "(nil)"
	ask := func(request string) string {
		response, err := rt.Call("dict", []byte(request))
		switch {
		case err != nil:
			return fmt.Sprint(err)
		case response == nil:
			return absent
		}
		return string(response)
	}
	cases := []struct{ ask, want string }{
		{"get k", absent},
		{"set k v, with spaces", "v, with spaces"},
		{"get k", "v, with spaces"},
		{"delete k", absent},
		{"get k", absent},
		{"incr n 5", "5"},
		{"incr n -2", "3"},
		{"add a 1", "1"},
		{"add a 2", absent},
		{"in other get a", absent},
		{"in other set a b 60000", "b"},
		{"in other get a", "b"},
		{"in cache get a", "1"},
		{"in third get a", `-10 runtime "libffi_go_test.so" may not use the shared dict "third": name it in the option dicts of ngx.load_ffi`},
		{"set short x y 1", "x y"},
		{"add short2 x 1", "x"},
		{"incr short3 1 1", "1"},
		{"incr long 1 60000", "1"},
		{"drop k", `-6 dict wants [in ZONE] set K V [TTL_MS], add K V [TTL_MS], get K, incr K N [TTL_MS] or delete K, not "drop k"`},
	}
	for _, c := range cases {
		if got := ask(c.ask); got != c.want {
			t.Errorf("%q: got %q, want %q", c.ask, got, c.want)
		}
	}
	time.Sleep(10 * time.Millisecond)
	for key, want := range map[string]string{"short": absent, "short2": absent, "short3": absent, "long": "1"} {
		if got := ask("get " + key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}
