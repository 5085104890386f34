package main

import (
	"errors"
	"strings"
	"testing"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// Each is refused before a broker is asked, with a message that names the field.
func TestBadRequests(t *testing.T) {
	check := map[string]func(text string) error{
		"produce": func(text string) error {
			var r produceRequest
			if err := decode([]byte(text), &r); err != nil {
				return err
			}
			_, err := r.record()
			return err
		},
		"consume": func(text string) error {
			var r consumeRequest
			if err := decode([]byte(text), &r); err != nil {
				return err
			}
			_, err := r.options()
			return err
		},
		"commit": func(text string) error {
			var r commitRequest
			if err := decode([]byte(text), &r); err != nil {
				return err
			}
			_, err := r.position()
			return err
		},
	}
	cases := []struct{ method, request, words string }{
		{"produce", ``, "nothing was sent"},
		{"produce", `{`, "not JSON"},
		{"produce", `{"value":"x"}`, `"topic" is missing`},
		{"produce", `{"topic":"t"}`, `"value" is missing`},
		{"produce", `{"topic":"t","value":"x","key":5}`, `"key" must be a string`},
		{"produce", `{"topic":"t","value":"x","headers":["a"]}`, `"headers" must be an object`},
		{"produce", `{"topic":"t","value":"x","partition":-1}`, `"partition" must not be negative`},
		{"produce", `{"topic":"t","value":"x","partition":3000000000}`, `"partition" must be a whole number of 32 bits`},
		{"produce", `{"topic":"t","value":"x","partiton":1}`, `"partiton"`},
		{"consume", `{"topics":["t"]}`, `"group" is missing`},
		{"consume", `{"group":"g"}`, `"topics"`},
		{"consume", `{"group":"g","topics":"t"}`, `"topics" must be a list`},
		{"consume", `{"group":"g","topics":["t"],"from":"now"}`, `"from"`},
		{"commit", `{}`, `"commit" is missing`},
		{"commit", `{"commit":{"partition":0,"offset":0}}`, `"commit.topic"`},
		{"commit", `{"commit":{"topic":"t","offset":0}}`, `"commit.partition"`},
		{"commit", `{"commit":{"topic":"t","partition":0}}`, `"commit.offset"`},
		{"commit", `{"commit":{"topic":"t","partition":0,"offset":-1}}`, `"commit.offset" must not be negative`},
	}
	for _, c := range cases {
		var refused *restyffi.Error
		if err := check[c.method](c.request); !errors.As(err, &refused) || refused.Code != 42 {
			t.Errorf("%s %s: %v", c.method, c.request, err)
		} else if !strings.Contains(refused.Message, c.words) {
			t.Errorf("%s %s: %q does not say %q", c.method, c.request, refused.Message, c.words)
		}
	}
}
