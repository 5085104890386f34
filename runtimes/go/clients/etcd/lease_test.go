package main

import (
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

func TestALeaseTakesItsKeysAlong(t *testing.T) {
	u := userOf(t, startEtcd(t))
	id := u.call("grant", lua.Table{"ttl": 100}).ID
	u.call("put", lua.Table{"key": "a", "value": "1", "lease": id})
	if got := u.call("time_to_live", lua.Table{"id": id, "keys": true}); got.GrantedTTL != 100 || len(got.Keys) != 1 || got.Keys[0] != "a" {
		t.Errorf("%+v", got)
	}
	if got := u.call("leases", lua.Table{}).Keys; len(got) != 1 || got[0] != id {
		t.Errorf("%v", got)
	}
	if got := u.call("keep_alive_once", lua.Table{"id": id}); got.ID != id || got.TTL != 100 {
		t.Errorf("%+v", got)
	}
	u.call("revoke", lua.Table{"id": id})
	if got := u.call("get", lua.Table{"key": "a"}); got.Count != 0 {
		t.Errorf("%+v", got)
	}
	for _, method := range []string{"revoke", "time_to_live", "keep_alive_once"} {
		_, err := u.try(method, lua.Table{"id": id})
		lua.Fails(t, err, 5, "lease not found")
	}
	_, err := u.open("keep_alive", lua.Table{"id": id}).try()
	lua.Fails(t, err, 5, "lease not found")
	_, err = u.try("put", lua.Table{"key": "a", "value": "1", "lease": id})
	lua.Fails(t, err, 5, "lease not found")
}

func TestALeaseThatNobodyRenewsExpires(t *testing.T) {
	u := userOf(t, startEtcd(t))
	w, _ := u.watch(lua.Table{"key": "a"})
	id := u.call("grant", lua.Table{"ttl": 5}).ID
	u.call("put", lua.Table{"key": "a", "value": "1", "lease": id})
	if got := w.values(2); got != "1 -" {
		t.Error(got)
	}
	_, err := u.try("keep_alive_once", lua.Table{"id": id})
	lua.Fails(t, err, 5, "lease not found")
}

func TestALeaseIsKeptAliveThroughARestart(t *testing.T) {
	s := startEtcd(t)
	u := userOf(t, s)
	streamed := u.call("grant", lua.Table{"ttl": 15}).ID
	kept := u.open("keep_alive", lua.Table{"id": streamed})
	kept.next()
	s.restart()
	if got := kept.next(); got.ID != streamed || got.TTL != 15 {
		t.Errorf("%+v", got)
	}
	u.call("revoke", lua.Table{"id": streamed})
	testhost.Soon(t, "the end", func() bool {
		_, err := kept.try()
		if err != nil {
			lua.Fails(t, err, 5, "lease not found")
		}
		return err != nil
	})
}

func TestALeaseThatIsKeptAliveInTheBackgroundLives(t *testing.T) {
	u := userOf(t, startEtcd(t))
	id := u.call("grant", lua.Table{"ttl": 15, "keep_alive": true}).ID
	left := func() int64 { return u.call("time_to_live", lua.Table{"id": id}).TTL }
	least := left()
	testhost.Soon(t, "a renewal, after some of its time has passed", func() bool {
		now := left()
		least = min(least, now)
		return now > least
	})
}

func TestALockIsForOneAtATime(t *testing.T) {
	s := startEtcd(t)
	u := userOf(t, s)
	for name, u := range map[string]*user{"plain": u, "in a namespace": u.with(lua.Table{"namespace": "space/"})} {
		t.Run(name, func(t *testing.T) {
			u := &user{t, u.rt, u.options}
			held := u.open("lock", lua.Table{"name": "one", "ttl": 60})
			key := held.next().Key
			_, err := u.open("lock", lua.Table{"name": "one", "ttl": 60, "try": true}).try()
			lua.Fails(t, err, 10, `the lock "one" is held by another holder`)
			impatient, err := u.rt.Open("lock", u.request(lua.Table{"name": "one", "ttl": 60, "timeout": 2}), false, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = impatient.Recv()
			lua.Fails(t, err, -1, `the lock "one" was held by others until the time was up`)
			impatient.Close()

			waiting := u.open("lock", lua.Table{"name": "one", "ttl": 60})
			testhost.Soon(t, "the second key", func() bool {
				return u.call("get", lua.Table{"key": "one/", "prefix": true}).Count == 2
			})
			if err := held.Send(nil, true); err != nil {
				t.Fatal(err)
			}
			if _, err := held.All(); err != nil {
				t.Error(err)
			}
			if next := waiting.next().Key; next == key {
				t.Error(next)
			}
			waiting.Close() // whoever goes away gives it back
			testhost.Soon(t, "the end of the key", func() bool {
				return u.call("get", lua.Table{"key": "one/", "prefix": true}).Count == 0
			})
		})
	}
}

func TestALockWhoseLeaseIsGoneIsLost(t *testing.T) {
	u := userOf(t, startEtcd(t))
	held := u.open("lock", lua.Table{"name": "one", "ttl": 15})
	held.next()
	for _, id := range u.call("leases", lua.Table{}).Keys {
		u.call("revoke", lua.Table{"id": id})
	}
	_, err := held.try()
	lua.Fails(t, err, 5, `the lock "one" is lost`)
}
