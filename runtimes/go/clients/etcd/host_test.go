package main

import (
	"strings"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"github.com/vmihailenco/msgpack/v5"
)

func TestMain(m *testing.M) { testhost.Main(m) }

// answer has the fields of all answers and messages.
type answer struct {
	Revision   int64    `msgpack:"revision"`
	Count      int64    `msgpack:"count"`
	More       bool     `msgpack:"more"`
	KVs        []kv     `msgpack:"kvs"`
	PrevKV     *kv      `msgpack:"prev_kv"`
	Deleted    int64    `msgpack:"deleted"`
	PrevKVs    []kv     `msgpack:"prev_kvs"`
	Succeeded  bool     `msgpack:"succeeded"`
	Responses  []answer `msgpack:"responses"`
	ID         string   `msgpack:"id"`
	TTL        int64    `msgpack:"ttl"`
	GrantedTTL int64    `msgpack:"granted_ttl"`
	Keys       []string `msgpack:"keys"`
	Key        string   `msgpack:"key"`
	Events     []struct {
		Type   string `msgpack:"type"`
		KV     kv     `msgpack:"kv"`
		PrevKV *kv    `msgpack:"prev_kv"`
	} `msgpack:"events"`
}

type kv struct {
	Key            string `msgpack:"key"`
	Value          string `msgpack:"value"`
	CreateRevision int64  `msgpack:"create_revision"`
	ModRevision    int64  `msgpack:"mod_revision"`
	Version        int64  `msgpack:"version"`
	Lease          string `msgpack:"lease"`
}

// user calls the library as resty.ffi.etcd does, with options of its own.
type user struct {
	t       testing.TB
	rt      *testhost.Runtime
	options lua.Table
}

// load loads the library for a client with these options.
func load(t testing.TB, options lua.Table) *user {
	t.Helper()
	_, rt := lua.Load(t)
	return &user{t, rt, options}
}

// userOf is a user of these servers.
func userOf(t testing.TB, servers ...*server) *user {
	t.Helper()
	var endpoints []string
	for _, s := range servers {
		endpoints = append(endpoints, s.address)
	}
	return load(t, lua.Table{"endpoints": endpoints})
}

// with is a user of the same runtime with more options.
func (u *user) with(more lua.Table) *user { return &user{u.t, u.rt, lua.With(u.options, more)} }

func (u *user) request(body any) []byte { return lua.Request(u.t, u.options, body) }

// try calls a method.
func (u *user) try(method string, body any) (answer, error) {
	return u.within(patient, method, body)
}

func (u *user) within(timeout time.Duration, method string, body any) (a answer, err error) {
	text, err := u.rt.Start(method, u.request(body), timeout).Wait()
	if err == nil {
		err = unpack(text, &a)
	}
	return a, err
}

func unpack(text []byte, a *answer) error {
	var list []string // of ids
	if msgpack.Unmarshal(text, &list) == nil {
		a.Keys = list
		return nil
	}
	return msgpack.Unmarshal(text, a)
}

// call calls a method that succeeds.
func (u *user) call(method string, body any) answer {
	u.t.Helper()
	a, err := u.try(method, body)
	if err != nil {
		u.t.Fatalf("%s: %v", method, err)
	}
	return a
}

func (u *user) put(key, value string) int64 {
	u.t.Helper()
	return u.call("put", lua.Table{"key": key, "value": value}).Revision
}

// stream is a stream of a method.
type stream struct {
	*testhost.Stream
	t    testing.TB
	seen int64 // the revision of the last message
}

func (u *user) open(method string, body lua.Table) *stream {
	u.t.Helper()
	body["timeout"] = patient.Seconds()
	s, err := u.rt.Open(method, u.request(body), false, 0)
	if err != nil {
		u.t.Fatal(err)
	}
	u.t.Cleanup(s.Close)
	return &stream{Stream: s, t: u.t}
}

// watch opens a watch, and returns its revision, too, once it is there.
func (u *user) watch(body lua.Table) (*stream, int64) {
	u.t.Helper()
	s := u.open("watch", body)
	return s, s.next().Revision
}

func (s *stream) try() (a answer, err error) {
	text, err := s.Recv()
	if err == nil {
		err = msgpack.Unmarshal(text, &a)
	}
	return a, err
}

// next is the next message.
func (s *stream) next() answer {
	s.t.Helper()
	a, err := s.try()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range a.Events {
		if e.KV.ModRevision <= s.seen || e.KV.ModRevision > a.Revision {
			s.t.Errorf("an event of the revision %d came at %d, after %d", e.KV.ModRevision, a.Revision, s.seen)
		}
	}
	s.seen = a.Revision
	return a
}

// values are those of the next n events, "-" for a DELETE.
func (s *stream) values(n int) string {
	s.t.Helper()
	var list []string
	for len(list) < n {
		for _, e := range s.next().Events {
			if e.Type == "DELETE" {
				e.KV.Value = "-"
			}
			list = append(list, e.KV.Value)
		}
	}
	return strings.Join(list, " ")
}
