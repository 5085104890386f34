package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

func TestAWatchSeesWhatHappensFromTheMomentThatItIsThere(t *testing.T) {
	u := userOf(t, startEtcd(t))
	before := u.put("a", "before")
	w, revision := u.watch(lua.Table{"key": "a", "prev_kv": true})
	if revision != before {
		t.Errorf("it is there at %d, not %d", revision, before)
	}
	u.put("b", "of no interest")
	u.put("a", "1")
	u.call("delete", lua.Table{"key": "a"})
	first, second := w.next(), w.next()
	if e := first.Events[0]; e.Type != "PUT" || e.KV.Value != "1" || e.PrevKV == nil || e.PrevKV.Value != "before" {
		t.Errorf("%+v", e)
	}
	if e := second.Events[0]; e.Type != "DELETE" || e.KV.Key != "a" || e.PrevKV == nil || e.PrevKV.Value != "1" {
		t.Errorf("%+v", e)
	}
	if first.Revision != before+2 || second.Revision != before+3 {
		t.Errorf("%d, %d after %d", first.Revision, second.Revision, before)
	}
}

func TestAWatchOfThePastHasTheEventsOfATransactionTogether(t *testing.T) {
	u := userOf(t, startEtcd(t))
	first := u.put("past/a", "1")
	put := func(key, value string) lua.Table { return lua.Table{"put": lua.Table{"key": key, "value": value}} }
	u.call("txn", lua.Table{"success": []lua.Table{put("past/a", "2"), put("past/b", "3"), put("other", "x")}})
	u.put("past/a", "4")
	w, revision := u.watch(lua.Table{"key": "past/", "prefix": true, "revision": first})
	if revision != first-1 {
		t.Errorf("it says %d", revision)
	}
	var together []int
	for n := 0; n < 4; {
		m := w.next()
		seen := map[int64]int{}
		for _, e := range m.Events {
			seen[e.KV.ModRevision]++
		}
		n += len(m.Events)
		together = append(together, seen[first+1])
	}
	if text := fmt.Sprint(together); !strings.Contains(text, "2") || strings.Contains(text, "1") {
		t.Errorf("the events of the transaction came as %v", together)
	}
}

func TestAWatchOfTheFutureWaitsForIt(t *testing.T) {
	u := userOf(t, startEtcd(t))
	now := u.put("a", "0")
	w, revision := u.watch(lua.Table{"key": "a", "revision": now + 3})
	if revision != now+2 {
		t.Errorf("it says %d", revision)
	}
	for k := 1; k <= 4; k++ {
		u.put("a", fmt.Sprint(k))
	}
	if got := w.values(2); got != "3 4" {
		t.Error(got)
	}
}

func TestAWatchTakesAKeyAPrefixOrARangeAndFilters(t *testing.T) {
	u := userOf(t, startEtcd(t))
	for name, c := range map[string]struct {
		body lua.Table
		want string
	}{
		"key":            {lua.Table{"key": "w/b"}, "b - end"},
		"prefix":         {lua.Table{"key": "w/", "prefix": true}, "a b c - end"},
		"range":          {lua.Table{"key": "w/a", "range_end": "w/c"}, "a b - end"},
		"range to end":   {lua.Table{"key": "w/b", "range_end": "\x00"}, "b c - end"},
		"all":            {lua.Table{"key": "", "prefix": true}, "a b c - end"},
		"without PUT":    {lua.Table{"key": "w/", "prefix": true, "filters": []string{"noput"}}, "- -"},
		"without DELETE": {lua.Table{"key": "w/b", "filters": []string{"nodelete"}}, "b end"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := u.watch(c.body)
			for _, key := range []string{"a", "b", "c"} {
				u.put("w/"+key, key)
			}
			u.call("delete", lua.Table{"key": "w/b"})
			u.put("w/b", "end")
			u.call("delete", lua.Table{"key": "w/b"})
			if got := w.values(len(strings.Fields(c.want))); got != c.want {
				t.Errorf("%s; want %s", got, c.want)
			}
		})
	}
}

func TestAWatchInANamespaceSeesItsKeysOnly(t *testing.T) {
	all := userOf(t, startEtcd(t))
	for _, name := range []string{"space/", "\xff"} {
		u := all.with(lua.Table{"namespace": name})
		one, _ := u.watch(lua.Table{"key": "a", "prev_kv": true})
		every, _ := u.watch(lua.Table{"key": "", "prefix": true})
		some, _ := u.watch(lua.Table{"key": "a", "range_end": "b"})
		to, _ := u.watch(lua.Table{"key": "b", "range_end": "\x00"})
		u.put("a", "1")
		u.put("a", "2")
		all.put("a", "of no interest")
		all.put("\xff", "the empty key, or of no interest")
		u.put("b", "3")
		if one.next(); true {
			if e := one.next().Events[0]; e.KV.Key != "a" || e.KV.Value != "2" || e.PrevKV.Key != "a" || e.PrevKV.Value != "1" {
				t.Errorf("%+v", e)
			}
		}
		if got := some.values(2); got != "1 2" {
			t.Error(got)
		}
		if got := to.values(1); got != "3" {
			t.Error(got)
		}
		if got := every.values(3); got != "1 2 3" && name == "space/" {
			t.Error(got)
		}
	}
}

func TestACompactedRevisionEndsAWatch(t *testing.T) {
	s := startEtcd(t)
	u := userOf(t, s)
	first := u.put("old", "1")
	quiet, _ := u.watch(lua.Table{"key": "quiet"})
	for k := 2; k < 6; k++ {
		u.put("old", fmt.Sprint(k))
	}
	u.call("compact", lua.Table{"revision": first + 3})
	w, _ := u.watch(lua.Table{"key": "old", "revision": first})
	_, err := w.try()
	lua.Fails(t, err, 11, "has been compacted", fmt.Sprintf("the oldest revision that can be watched is %d", first+3))

	// After a restart, the one that has seen nothing would have to begin where nothing is left.
	s.restart()
	_, err = quiet.try()
	lua.Fails(t, err, 11, "has been compacted")
}

func TestProgressThatEtcdTellsIsWhereAWatchGoesOn(t *testing.T) {
	s := startEtcd(t, "--experimental-watch-progress-notify-interval", "100ms")
	u := userOf(t, s)
	w, _ := u.watch(lua.Table{"key": "quiet", "progress_notify": true})
	last := u.put("loud", "1")
	testhost.Soon(t, "progress", func() bool { return w.next().Revision >= last })
	u.put("loud", "2")
	u.call("compact", lua.Table{"revision": last})
	s.restart()
	u.put("quiet", "after")
	testhost.Soon(t, "the event", func() bool {
		m := w.next()
		return len(m.Events) == 1 && m.Events[0].KV.Value == "after"
	})
}

func TestProgressThatWasAskedFor(t *testing.T) {
	s := startEtcd(t)
	u := userOf(t, s)
	w, _ := u.watch(lua.Table{"key": "a"})
	other, _ := u.watch(lua.Table{"key": "a"})
	last := u.put("b", "1")
	ask := func() {
		if err := w.Send([]byte{0x80}, false); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	if m := w.next(); len(m.Events) != 0 || m.Revision < last {
		t.Errorf("%+v, and %d was the last revision", m, last)
	}
	u.put("a", "1")
	if got := other.values(1); got != "1" {
		t.Error(got)
	}
	w.values(1)

	s.kill()
	ask()
	s.restart()
	if m := w.next(); len(m.Events) != 0 {
		t.Errorf("%+v", m)
	}
}

func TestOneOfManyWatchesIsClosed(t *testing.T) {
	u := userOf(t, startEtcd(t))
	var all []*stream
	for range 50 {
		w, _ := u.watch(lua.Table{"key": "a"})
		all = append(all, w)
	}
	for k, w := range all {
		if k%2 == 0 {
			w.Close()
		}
	}
	u.put("a", "1")
	for k, w := range all {
		if k%2 == 1 {
			if got := w.values(1); got != "1" {
				t.Error(got)
			}
		}
	}
}

func TestAReaderThatIsSlowGetsEverythingInTheEnd(t *testing.T) {
	s := startEtcd(t)
	u := userOf(t, s)
	w, _ := u.watch(lua.Table{"key": "a"})
	admin := s.admin("", "")
	large := strings.Repeat("x", 200<<10)
	for k := range 100 { // 20 MB: more than all windows
		if _, err := admin.Put(ctx(t), "a", fmt.Sprint(k, large)); err != nil {
			t.Fatal(err)
		}
	}
	for k, value := range strings.Fields(strings.ReplaceAll(w.values(100), large, "")) {
		if value != fmt.Sprint(k) {
			t.Fatalf("%s came as the event %d", value, k)
		}
	}
}

func TestOneRevisionThatIsLargerThanAMessageOfEtcd(t *testing.T) {
	s := startEtcd(t, "--max-request-bytes", "100000")
	u := userOf(t, s)
	admin := s.admin("", "")
	for k := range 50 {
		if _, err := admin.Put(ctx(t), fmt.Sprintf("a/%d", k), strings.Repeat("x", 50_000)); err != nil {
			t.Fatal(err)
		}
	}
	w, _ := u.watch(lua.Table{"key": "a/", "prefix": true, "prev_kv": true})
	u.call("delete", lua.Table{"key": "a/", "prefix": true})
	if m := w.next(); len(m.Events) != 50 || len(m.Events[49].PrevKV.Value) != 50_000 {
		t.Errorf("%d events", len(m.Events))
	}
}

// Each event comes once and in its order, whatever happens to etcd.
func TestRestartsAndKills(t *testing.T) {
	s := startEtcd(t)
	u := userOf(t, s)
	early, _ := u.watch(lua.Table{"key": "a"})
	quiet, _ := u.watch(lua.Table{"key": "b"})
	n := 0
	put := func(count int) {
		for range count {
			n++
			u.put("a", fmt.Sprint(n))
		}
	}
	put(20)
	s.restart()
	put(20)
	late, _ := u.watch(lua.Table{"key": "a", "revision": 1})
	s.kill()
	s.restart()
	put(20)
	u.put("b", "once")
	var want []string
	for k := range n {
		want = append(want, fmt.Sprint(k+1))
	}
	for _, w := range []*stream{early, late} {
		if got := w.values(n); got != strings.Join(want, " ") {
			t.Error(got)
		}
	}
	if got := quiet.values(1); got != "once" {
		t.Error(got)
	}
}

func TestAMemberThatIsRemovedTakesNoWatchAlong(t *testing.T) {
	members := startMembers(t, 3)
	u := userOf(t, members...)
	var all []*stream
	for range 6 {
		w, _ := u.watch(lua.Table{"key": "a"})
		all = append(all, w)
	}
	u.put("a", "before")
	admin := members[0].admin("", "")
	status, err := admin.Status(ctx(t), members[2].address)
	if err != nil {
		t.Fatal(err)
	}
	testhost.Soon(t, "the removal", func() bool {
		_, err := admin.MemberRemove(ctx(t), status.Header.MemberId)
		return err == nil || errors.Is(err, rpctypes.ErrMemberNotFound) // by an attempt before
	})
	testhost.Soon(t, "a write", func() bool {
		_, err := u.try("put", lua.Table{"key": "a", "value": "after"})
		return err == nil
	})
	for _, w := range all {
		if got := w.values(2); got != "before after" {
			t.Error(got)
		}
	}
}

func TestAWatchThatCannotBegin(t *testing.T) {
	ports := testhost.FreePorts(1)
	u := load(t, lua.Table{"endpoints": []string{fmt.Sprintf("127.0.0.1:%d", ports[0])}})
	s, err := u.rt.Open("watch", u.request(lua.Table{"key": "a", "timeout": 2}), false, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Recv()
	lua.Fails(t, err, 14, "connection refused")
	_, err = u.open("watch", lua.Table{"key": "a", "filters": []string{"nothing"}}).try()
	lua.Fails(t, err, -10, `"filters" may have "noput" and "nodelete", not "nothing"`)
	_, err = u.open("watch", lua.Table{"key": "a", "prefix": true, "range_end": "b"}).try()
	lua.Fails(t, err, -10, `"prefix" and "range_end" exclude each other`)
}
