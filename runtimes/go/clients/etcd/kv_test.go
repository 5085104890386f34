package main

import (
	"strings"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
)

func TestKeysAndValues(t *testing.T) {
	u := userOf(t, startEtcd(t))
	first := u.put("k/a", "\x00\xff")
	u.put("k/b", "")
	if got := u.call("get", lua.Table{"key": "k/a"}).KVs; len(got) != 1 || got[0].Value != "\x00\xff" || got[0].ModRevision != first {
		t.Errorf("%+v", got)
	}
	if got := u.call("put", lua.Table{"key": "k/a", "value": "2", "prev_kv": true}).PrevKV; got == nil || got.Value != "\x00\xff" {
		t.Errorf("%+v", got)
	}
	if got := u.call("get", lua.Table{"key": "k/a", "revision": first}).KVs; got[0].Value != "\x00\xff" {
		t.Errorf("%+v", got)
	}
	got := u.call("get", lua.Table{"key": "k/", "prefix": true, "limit": 1, "sort": "key", "descending": true})
	if got.Count != 2 || !got.More || got.KVs[0].Key != "k/b" {
		t.Errorf("%+v", got)
	}
	gone := u.call("delete", lua.Table{"key": "k/", "prefix": true, "prev_kv": true})
	if gone.Deleted != 2 || len(gone.PrevKVs) != 2 {
		t.Errorf("%+v", gone)
	}
	u.call("compact", lua.Table{"revision": gone.Revision})
	_, err := u.try("get", lua.Table{"key": "k/a", "revision": first})
	lua.Fails(t, err, 11, "has been compacted")
	_, err = u.try("get", lua.Table{"key": "k/a", "revision": gone.Revision + 10})
	lua.Fails(t, err, 11, "future revision")
	_, err = u.try("put", lua.Table{"key": "", "value": "1"})
	lua.Fails(t, err, 3, "key is not provided")
}

func TestTransactions(t *testing.T) {
	u := userOf(t, startEtcd(t))
	leader := func(name string) answer {
		return u.call("txn", lua.Table{
			"compare": []lua.Table{{"key": "leader", "target": "version", "result": "=", "number": 0}},
			"success": []lua.Table{{"put": lua.Table{"key": "leader", "value": name}}},
			"failure": []lua.Table{{"get": lua.Table{"key": "leader"}}},
		})
	}
	if got := leader("ann"); !got.Succeeded {
		t.Errorf("%+v", got)
	}
	if got := leader("bob"); got.Succeeded || got.Responses[0].KVs[0].Value != "ann" {
		t.Errorf("%+v", got)
	}
	put := lua.Table{"put": lua.Table{"key": "twice", "value": "1"}}
	_, err := u.try("txn", lua.Table{"success": []lua.Table{put, put}})
	lua.Fails(t, err, 3, "duplicate key")
	_, err = u.try("txn", lua.Table{"compare": []lua.Table{{"key": "a", "target": "colour", "result": "="}}})
	lua.Fails(t, err, -10, "colour")
}

func TestOptionsThatCannotBe(t *testing.T) {
	s := startEtcd(t)
	good := userOf(t, s)
	for want, options := range map[string]lua.Table{
		`"endpoints" must be a list of at least one address`:        {"endpoints": []string{}},
		"endpoints[2] is empty":                                     {"endpoints": []string{s.address, ""}},
		`"user" and "password" need each other`:                     {"user": "ann"},
		`"max_receive_bytes" must not be less`:                      {"max_send_bytes": 10, "max_receive_bytes": 9},
		`endpoints[1], "http://a:1", is without TLS`:                {"endpoints": []string{"http://a:1"}, "tls": lua.Table{}},
		`endpoints[2], "https://a:1", is with TLS`:                  {"endpoints": []string{"a:1", "https://a:1"}},
		`"tls.ca" is neither PEM nor a file that can be read`:       {"tls": lua.Table{"ca": "/nowhere"}},
		`"tls.ca" has no certificate that can be read`:              {"tls": lua.Table{"ca": "-----BEGIN"}},
		`"tls.cert" and "tls.key" need each other`:                  {"tls": lua.Table{"cert": "x"}},
		`"tls.verify" must be a boolean, not string "no"`:           {"tls": lua.Table{"verify": "no"}},
		`"connect_timeout" must be a number, not string "1 second"`: {"connect_timeout": "1 second"},
		`there is no field "pasword"`:                               {"pasword": "secret"},
	} {
		_, err := good.with(options).try("get", lua.Table{"key": "a"})
		lua.Fails(t, err, -10, want)
	}
}

func TestRequestsThatCannotBe(t *testing.T) {
	u := userOf(t, startEtcd(t))
	_, err := u.try("get", lua.Table{"key": "a", "sort": "colour"})
	lua.Fails(t, err, -10, `"sort" cannot be "colour"`)
	_, err = u.try("get", lua.Table{"key": 7})
	lua.Fails(t, err, -10, `"key" must be a string, not number 7`)
	_, err = u.try("revoke", lua.Table{"id": "seven"})
	lua.Fails(t, err, -10, `the id of a lease is a string of digits`)
	small := u.with(lua.Table{"max_send_bytes": 100, "max_receive_bytes": 100})
	_, err = small.try("put", lua.Table{"key": "a", "value": strings.Repeat("x", 200)})
	lua.Fails(t, err, 8, "larger than max")
	u.put("a", strings.Repeat("x", 200))
	_, err = small.try("get", lua.Table{"key": "a"})
	lua.Fails(t, err, 8, "larger than max")
	_, err = small.open("watch", lua.Table{"key": "a", "revision": 1}).All()
	lua.Fails(t, err, 8, "larger than max")
}
