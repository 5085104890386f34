package main

import (
	"errors"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// Each is refused before etcd is asked, with a message that names the field.
func TestBadRequests(t *testing.T) {
	parse := map[string]func(text string) error{
		"put": func(text string) error { return operationOf[putRequest](text) },
		"get": func(text string) error { return operationOf[getRequest](text) },
		"txn": func(text string) error {
			var r txnRequest
			if err := decode([]byte(text), &r); err != nil {
				return err
			}
			if _, err := each(r.Compare, comparison.cmp); err != nil {
				return err
			}
			_, err := each(r.Success, operation.op)
			return err
		},
	}
	cases := []struct{ method, request, words string }{
		{"put", ``, "nothing was sent"},
		{"put", `{"key":`, "not JSON"},
		{"put", `[]`, "an object"},
		{"put", `{"key":"a","value":"b"} c`, "more text"},
		{"put", `{"value":"b"}`, `"key" is missing`},
		{"put", `{"key":"a"}`, `"value" is missing`},
		{"put", `{"key":"a","value":5}`, `"value" must be a string`},
		{"put", `{"key":"a","value":"b","leese":"1"}`, `"leese"`},
		{"put", `{"key":"a","value":"b","lease":"mine"}`, `"lease" must be the id`},
		{"get", `{"key":"a","limit":1.5}`, `"limit" must be a whole number`},
		{"get", `{"key":"a","prefix":"yes"}`, `"prefix" must be true or false`},
		{"get", `{"key":"a","prefix":true,"range_end":"b"}`, `"range_end" exclude`},
		{"txn", `{"compare":{}}`, `"compare" must be a list`},
		{"txn", `{"compare":[{"target":"version","result":"=","value":1}]}`, `"compare.key"`},
		{"txn", `{"compare":[{"key":"a","target":"size","result":"=","value":1}]}`, `"compare.target"`},
		{"txn", `{"compare":[{"key":"a","target":"version","result":"~","value":1}]}`, `"compare.result"`},
		{"txn", `{"compare":[{"key":"a","target":"version","result":"=","value":"1"}]}`, `"compare.value" must be a whole`},
		{"txn", `{"compare":[{"key":"a","target":"value","result":"=","value":1}]}`, `"compare.value" must be a string`},
		{"txn", `{"success":[{}]}`, `"success"`},
		{"txn", `{"success":[{"get":{"key":"a"},"delete":{"key":"a"}}]}`, `"success"`},
		{"txn", `{"success":[{"get":{"key":5}}]}`, `"success.get.key"`},
	}
	for _, c := range cases {
		var refused *restyffi.Error
		if err := parse[c.method](c.request); !errors.As(err, &refused) || refused.Code != 3 {
			t.Errorf("%s %s: %v", c.method, c.request, err)
		} else if !strings.Contains(refused.Message, c.words) {
			t.Errorf("%s %s: %q does not say %q", c.method, c.request, refused.Message, c.words)
		}
	}
}

func operationOf[Request interface{ op() (clientv3.Op, error) }](text string) error {
	var r Request
	if err := decode([]byte(text), &r); err != nil {
		return err
	}
	_, err := r.op()
	return err
}
