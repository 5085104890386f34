package main

import (
	"testing"
)

func TestALeaseTakesItsKeysAlong(t *testing.T) {
	u := userOf(t, startEtcd(t))
	id := u.call("grant", table{"ttl": 100}).ID
	u.call("put", table{"key": "a", "value": "1", "lease": id})
	if got := u.call("time_to_live", table{"id": id, "keys": true}); got.GrantedTTL != 100 || len(got.Keys) != 1 || got.Keys[0] != "a" {
		t.Errorf("%+v", got)
	}
	if got := u.call("leases", table{}).Keys; len(got) != 1 || got[0] != id {
		t.Errorf("%v", got)
	}
	if got := u.call("keep_alive_once", table{"id": id}); got.ID != id || got.TTL != 100 {
		t.Errorf("%+v", got)
	}
	u.call("revoke", table{"id": id})
	if got := u.call("get", table{"key": "a"}); got.Count != 0 {
		t.Errorf("%+v", got)
	}
	for _, method := range []string{"revoke", "time_to_live", "keep_alive_once"} {
		_, err := u.try(method, table{"id": id})
		fails(t, err, 5, "lease not found")
	}
	_, err := u.open("keep_alive", table{"id": id}).try()
	fails(t, err, 5, "lease not found")
	_, err = u.try("put", table{"key": "a", "value": "1", "lease": id})
	fails(t, err, 5, "lease not found")
}

func TestALeaseThatNobodyRenewsExpires(t *testing.T) {
	u := userOf(t, startEtcd(t))
	w, _ := u.watch(table{"key": "a"})
	id := u.call("grant", table{"ttl": 5}).ID
	u.call("put", table{"key": "a", "value": "1", "lease": id})
	if got := w.values(2); got != "1 -" {
		t.Error(got)
	}
	_, err := u.try("keep_alive_once", table{"id": id})
	fails(t, err, 5, "lease not found")
}

func TestALeaseIsKeptAliveThroughARestart(t *testing.T) {
	s := startEtcd(t)
	u := userOf(t, s)
	streamed := u.call("grant", table{"ttl": 15}).ID
	kept := u.open("keep_alive", table{"id": streamed})
	kept.next()
	s.restart()
	if got := kept.next(); got.ID != streamed || got.TTL != 15 {
		t.Errorf("%+v", got)
	}
	u.call("revoke", table{"id": streamed})
	soon(t, "the end", func() bool {
		_, err := kept.try()
		if err != nil {
			fails(t, err, 5, "lease not found")
		}
		return err != nil
	})
}

func TestALeaseThatIsKeptAliveInTheBackgroundLives(t *testing.T) {
	u := userOf(t, startEtcd(t))
	id := u.call("grant", table{"ttl": 15, "keep_alive": true}).ID
	left := func() int64 { return u.call("time_to_live", table{"id": id}).TTL }
	least := left()
	soon(t, "a renewal, after some of its time has passed", func() bool {
		now := left()
		least = min(least, now)
		return now > least
	})
}

func TestALockIsForOneAtATime(t *testing.T) {
	s := startEtcd(t)
	u := userOf(t, s)
	for name, u := range map[string]*user{"plain": u, "in a namespace": u.with(table{"namespace": "space/"})} {
		t.Run(name, func(t *testing.T) {
			u := &user{t, u.rt, u.options}
			held := u.open("lock", table{"name": "one", "ttl": 60})
			key := held.next().Key
			_, err := u.open("lock", table{"name": "one", "ttl": 60, "try": true}).try()
			fails(t, err, 10, `the lock "one" is held by another one`)
			impatient, err := u.rt.Open("lock", u.request(table{"name": "one", "ttl": 60, "timeout": 2}), false, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = impatient.Recv()
			fails(t, err, -1, `the lock "one" was held by others until the time was up`)
			impatient.Close()

			waiting := u.open("lock", table{"name": "one", "ttl": 60})
			soon(t, "the second key", func() bool {
				return u.call("get", table{"key": "one/", "prefix": true}).Count == 2
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
			soon(t, "the end of the key", func() bool {
				return u.call("get", table{"key": "one/", "prefix": true}).Count == 0
			})
		})
	}
}

func TestALockWhoseLeaseIsGoneIsLost(t *testing.T) {
	u := userOf(t, startEtcd(t))
	held := u.open("lock", table{"name": "one", "ttl": 15})
	held.next()
	for _, id := range u.call("leases", table{}).Keys {
		u.call("revoke", table{"id": id})
	}
	_, err := held.try()
	fails(t, err, 5, `the lock "one" is lost`)
}
