package pool

import (
	"errors"
	"strings"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"github.com/vmihailenco/msgpack/v5"
)

func TestARequestThatIsNone(t *testing.T) {
	f := load(t, nil)
	for _, c := range []struct {
		text []byte
		want string
	}{
		{nil,
			"a request is a list of id, body and options"},
		{lua.Pack(t, []any{7, empty{}}),
			"the id of a client is a string"},
		{lua.Pack(t, []any{"a", lua.Table{}, 7}),
			"the options of a client are a string, MessagePack"},
		{lua.Pack(t, []any{"a", lua.Table{}, "\x07"}),
			"the options: it must be a table, not number 7"},
		{request(t, "a", empty{}, lua.Table{"name": 7}),
			`the options: "name" must be a string, not number 7`},
		{request(t, "a", empty{}, lua.Table{"idle_timeout": "1"}),
			`the options: "idle_timeout" must be a number, not string "1"`},
		{request(t, "a", empty{}, lua.Table{"x": 1}),
			`the options: there is no field "x"; the fields are: idle_timeout, name`},
		{request(t, "a", lua.Table{"x": 1}, nil),
			`the request: there is no field "x"; the fields are: `},
	} {
		fails(t, f.rt.Start("name", c.text, 0), invalid, c.want)
	}
	half := request(t, "a", nap{1}, nil)
	fails(t, f.rt.Start("nap", half[:len(half)-1], 0), invalid,
		"the request: it ends in the middle of a value, or is not valid MessagePack")
	if n := f.made.Load(); n != 0 {
		t.Errorf("%d clients were made", n)
	}
}

func TestStreams(t *testing.T) {
	f := load(t, nil)
	options := map[string]any{"name": "a"}
	s, err := f.rt.Open("echo", request(t, "a", nap{7}, options), false, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var first struct {
		Name  string `msgpack:"name"`
		First int    `msgpack:"first"`
	}
	message, err := s.Recv()
	if err == nil {
		err = msgpack.Unmarshal(message, &first)
	}
	if err != nil || first.Name != "a" || first.First != 7 {
		t.Fatalf("%+v, %v", first, err)
	}
	if err := s.Send(lua.Pack(t, nap{8}), false); err != nil {
		t.Fatal(err)
	}
	if message, err := s.Recv(); err != nil || string(message) != string(lua.Pack(t, nap{8})) {
		t.Errorf("%q, %v", message, err)
	}
	if err := s.Send(lua.Pack(t, map[string]any{"millis": "x"}), false); err != nil {
		t.Fatal(err)
	}
	_, err = s.Recv()
	var failure *testhost.CallError
	if !errors.As(err, &failure) || failure.Code != invalid ||
		failure.Text != `the message: "millis" must be a whole number, not string "x"` {
		t.Error(err)
	}
}

type digits string

func (d *digits) DecodeMsgpack(from *msgpack.Decoder) error {
	text, err := from.DecodeString()
	if err != nil || strings.Trim(text, "0123456789") != "" {
		return errors.New("must have digits")
	}
	*d = digits(text)
	return nil
}

func TestErrorsNameTheField(t *testing.T) {
	type inner struct {
		Sure  bool `msgpack:"sure"`
		Small uint `msgpack:"small"`
	}
	type outer struct {
		Options
		Text  string   `msgpack:"text,omitempty"`
		Bytes []byte   `msgpack:"bytes"`
		List  []inner  `msgpack:"list"`
		Names []string `msgpack:"names"`
		Inner *inner   `msgpack:"inner"`
		ID    digits   `msgpack:"id"`
	}
	for _, c := range []struct {
		given lua.Table
		want  string
	}{
		{lua.Table{"text": true},
			`"text" must be a string, not boolean true`},
		{lua.Table{"bytes": lua.Table{"a": 1}},
			`"bytes" must be a string, not a table`},
		{lua.Table{"list": 1.5},
			`"list" must be a list, not number 1.5`},
		{lua.Table{"list": []any{lua.Table{}, lua.Table{"sure": "yes"}}},
			`"list[2].sure" must be a boolean, not string "yes"`},
		{lua.Table{"list": []any{lua.Table{"small": 1.5}}},
			`"list[1].small" must be a whole number from 0 on, not number 1.5`},
		{lua.Table{"list": []any{lua.Table{"big": 1}}},
			`there is no field "list[1].big"; the fields are: small, sure`},
		{lua.Table{"names": []any{[]any{}}},
			`"names[1]" must be a string, not a list`},
		{lua.Table{"inner": "x"},
			`"inner" must be a table, not string "x"`},
		{lua.Table{"inner": lua.Table{"sure": 1}},
			`"inner.sure" must be a boolean, not number 1`},
		{lua.Table{"id": "x1"},
			`"id": must have digits`},
		{lua.Table{"txt": 1},
			`there is no field "txt"; the fields are: bytes, id, idle_timeout, inner, list, names, text`},
	} {
		err := decode(lua.Pack(t, c.given), new(outer))
		if err == nil || err.Error() != c.want {
			t.Errorf("%v: %v; want %s", c.given, err, c.want)
		}
	}
	var fine outer
	given := lua.Table{"text": "\xff\x00", "idle_timeout": 2, "inner": lua.Table{"sure": true}, "list": []any{lua.Table{"small": 3}}}
	if err := decode(lua.Pack(t, given), &fine); err != nil || fine.Text != "\xff\x00" || fine.IdleTimeout != 2 ||
		!fine.Inner.Sure || fine.List[0].Small != 3 {
		t.Errorf("%+v, %v", fine, err)
	}
}
