package main

import (
	"strings"
	"testing"
)

func TestKeysAndValues(t *testing.T) {
	u := userOf(t, startEtcd(t))
	first := u.put("k/a", "\x00\xff")
	u.put("k/b", "")
	if got := u.call("get", table{"key": "k/a"}).KVs; len(got) != 1 || got[0].Value != "\x00\xff" || got[0].ModRevision != first {
		t.Errorf("%+v", got)
	}
	if got := u.call("put", table{"key": "k/a", "value": "2", "prev_kv": true}).PrevKV; got == nil || got.Value != "\x00\xff" {
		t.Errorf("%+v", got)
	}
	if got := u.call("get", table{"key": "k/a", "revision": first}).KVs; got[0].Value != "\x00\xff" {
		t.Errorf("%+v", got)
	}
	got := u.call("get", table{"key": "k/", "prefix": true, "limit": 1, "sort": "key", "descending": true})
	if got.Count != 2 || !got.More || got.KVs[0].Key != "k/b" {
		t.Errorf("%+v", got)
	}
	gone := u.call("delete", table{"key": "k/", "prefix": true, "prev_kv": true})
	if gone.Deleted != 2 || len(gone.PrevKVs) != 2 {
		t.Errorf("%+v", gone)
	}
	u.call("compact", table{"revision": gone.Revision})
	_, err := u.try("get", table{"key": "k/a", "revision": first})
	fails(t, err, 11, "has been compacted")
	_, err = u.try("get", table{"key": "k/a", "revision": gone.Revision + 10})
	fails(t, err, 11, "future revision")
	_, err = u.try("put", table{"key": "", "value": "1"})
	fails(t, err, 3, "key is not provided")
}

func TestTransactions(t *testing.T) {
	u := userOf(t, startEtcd(t))
	leader := func(name string) answer {
		return u.call("txn", table{
			"compare": []table{{"key": "leader", "target": "version", "result": "=", "number": 0}},
			"success": []table{{"put": table{"key": "leader", "value": name}}},
			"failure": []table{{"get": table{"key": "leader"}}},
		})
	}
	if got := leader("ann"); !got.Succeeded {
		t.Errorf("%+v", got)
	}
	if got := leader("bob"); got.Succeeded || got.Responses[0].KVs[0].Value != "ann" {
		t.Errorf("%+v", got)
	}
	put := table{"put": table{"key": "twice", "value": "1"}}
	_, err := u.try("txn", table{"success": []table{put, put}})
	fails(t, err, 3, "duplicate key")
	_, err = u.try("txn", table{"compare": []table{{"key": "a", "target": "colour", "result": "="}}})
	fails(t, err, -10, "colour")
}

func TestOptionsThatCannotBe(t *testing.T) {
	s := startEtcd(t)
	good := userOf(t, s)
	for want, options := range map[string]table{
		`"endpoints" must be a list of at least one address`:        {"endpoints": []string{}},
		"endpoints[2] is empty":                                     {"endpoints": []string{s.address, ""}},
		`"user" and "password" need each other`:                     {"user": "ann"},
		`"max_receive_bytes" must not be less`:                      {"max_send_bytes": 10, "max_receive_bytes": 9},
		`endpoints[1], "http://a:1", is without TLS`:                {"endpoints": []string{"http://a:1"}, "tls": table{}},
		`endpoints[2], "https://a:1", is with TLS`:                  {"endpoints": []string{"a:1", "https://a:1"}},
		`"tls.ca" is neither PEM nor a file that can be read`:       {"tls": table{"ca": "/nowhere"}},
		`"tls.ca" has no certificate that can be read`:              {"tls": table{"ca": "-----BEGIN"}},
		`"tls.cert" and "tls.key" need each other`:                  {"tls": table{"cert": "x"}},
		`"tls.verify" must be a boolean, not string "no"`:           {"tls": table{"verify": "no"}},
		`"connect_timeout" must be a number, not string "1 second"`: {"connect_timeout": "1 second"},
		`there is no field "pasword"`:                               {"pasword": "secret"},
	} {
		_, err := good.with(options).try("get", table{"key": "a"})
		fails(t, err, -10, want)
	}
}

func TestRequestsThatCannotBe(t *testing.T) {
	u := userOf(t, startEtcd(t))
	_, err := u.try("get", table{"key": "a", "sort": "colour"})
	fails(t, err, -10, `"sort" cannot be "colour"`)
	_, err = u.try("get", table{"key": 7})
	fails(t, err, -10, `"key" must be a string, not number 7`)
	_, err = u.try("revoke", table{"id": "seven"})
	fails(t, err, -10, `the id of a lease is a string of digits`)
	small := u.with(table{"max_send_bytes": 100, "max_receive_bytes": 100})
	_, err = small.try("put", table{"key": "a", "value": strings.Repeat("x", 200)})
	fails(t, err, 8, "larger than max")
	u.put("a", strings.Repeat("x", 200))
	_, err = small.try("get", table{"key": "a"})
	fails(t, err, 8, "larger than max")
	_, err = small.open("watch", table{"key": "a", "revision": 1}).All()
	fails(t, err, 8, "larger than max")
}
