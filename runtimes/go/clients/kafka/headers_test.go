package main

import (
	"fmt"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/vmihailenco/msgpack/v5"
)

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		sent any
		want string
	}{
		{nil, "[]"},
		{[]any{}, "[]"},
		{lua.Table{}, "[]"},
		{[][]any{{"k", "1"}, {"a", nil}, {"k", ""}, {"b"}, {"", "\xff\x00"}}, "[[k 1] [a <nil>] [k ] [b <nil>] [ \xff\x00]]"},
		{lua.Table{"b": "2", "a": "1"}, "[[a 1] [b 2]]"},
	} {
		var h headers
		if err := msgpack.Unmarshal(lua.Pack(t, c.sent), &h); err != nil {
			t.Errorf("%v: %v", c.sent, err)
		}
		if h == nil {
			h = headers{}
		}
		if got := fmt.Sprint(decoded(t, lua.Pack(t, h))); got != c.want {
			t.Errorf("%v: %q", c.sent, got)
		}
	}
}

func TestHeadersThatAreNone(t *testing.T) {
	for _, text := range []string{
		string(lua.Pack(t, 7)),
		string(lua.Pack(t, []any{"a"})),
		string(lua.Pack(t, []any{[]any{}})),
		string(lua.Pack(t, []any{[]any{1, "v"}})),
		string(lua.Pack(t, []any{[]any{"k", "v", "w"}})),
		string(lua.Pack(t, []any{[]any{"k", 7}})),
		string(lua.Pack(t, lua.Table{"k": 7})),
		"\xdd\xff\xff\xff\xff",     // a list of 2^32-1
		"\xdf\xff\xff\xff\xff",     // a map of as many
		"\x91\xdd\xff\xff\xff\xff", // a header of as many
		"\x91\x91\xdb\xff\xff\xff\xff",
		"\x92\x91\xa1k",
	} {
		var h headers
		if err := msgpack.Unmarshal([]byte(text), &h); err == nil {
			t.Errorf("%q is %v", text, h)
		}
	}
}

func TestHeadersGoAndCome(t *testing.T) {
	h := load(t)
	_, options := fake(t, kfake.SeedTopics(1, "t"))
	sent := [][]any{{"k", "1"}, {"k", nil}, {"a", ""}}
	h.call("send", options, lua.Table{"topic": "t", "headers": sent})
	h.call("send", options, lua.Table{"topic": "t"})
	s := h.open("consume", options, lua.Table{"id": "1", "group": "g", "topics": []string{"t"}})
	got := s.records(2)
	if fmt.Sprint(got[0][6]) != "[[k 1] [k <nil>] [a ]]" || got[1][6] != nil {
		t.Errorf("%v", got)
	}
	h.fails("send", options, lua.Table{"topic": "t", "headers": []any{"x"}}, invalidRequest,
		`"headers": header 1: a header must be a list of a key and a value`)
}
