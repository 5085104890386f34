package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	encoding "encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// locked is an etcd with authentication: root may do everything, ann reads and writes what begins with "ann/".
func locked(t *testing.T, args ...string) *server {
	t.Helper()
	s := startEtcd(t, append([]string{"--bcrypt-cost", "4"}, args...)...)
	c := s.admin("", "")
	for _, f := range []func() error{
		func() error { _, err := c.RoleAdd(ctx(t), "root"); return err },
		func() error { _, err := c.UserAdd(ctx(t), "root", "secret"); return err },
		func() error { _, err := c.UserGrantRole(ctx(t), "root", "root"); return err },
		func() error { _, err := c.RoleAdd(ctx(t), "ann"); return err },
		func() error { return allow(t, c) },
		func() error { _, err := c.UserAdd(ctx(t), "ann", "first"); return err },
		func() error { _, err := c.UserGrantRole(ctx(t), "ann", "ann"); return err },
		func() error { _, err := c.AuthEnable(ctx(t)); return err },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func allow(t *testing.T, c *clientv3.Client) error {
	_, err := c.RoleGrantPermission(ctx(t), "ann", "ann/", "ann0", clientv3.PermissionType(clientv3.PermReadWrite))
	return err
}

func forbid(t *testing.T, c *clientv3.Client) error {
	_, err := c.RoleRevokePermission(ctx(t), "ann", "ann/", "ann0")
	return err
}

func as(t *testing.T, s *server, name, password string) *user {
	return userOf(t, s).with(lua.Table{"user": name, "password": password})
}

// everything is done once with whatever token there is.
var everything = map[string]func(*user){
	"get":    func(u *user) { u.call("get", lua.Table{"key": "ann/a"}) },
	"put":    func(u *user) { u.put("ann/a", "1") },
	"delete": func(u *user) { u.call("delete", lua.Table{"key": "ann/none"}) },
	"txn": func(u *user) {
		u.call("txn", lua.Table{"success": []lua.Table{{"put": lua.Table{"key": "ann/b", "value": "1"}}}})
	},
	"watch": func(u *user) { u.watch(lua.Table{"key": "ann/a"}) },
	"lock": func(u *user) {
		s := u.open("lock", lua.Table{"name": "ann/lock", "ttl": 60})
		s.next()
		if err := s.Send(nil, true); err != nil {
			u.t.Error(err)
		}
		if _, err := s.All(); err != nil {
			u.t.Error(err)
		}
	},
}

// withStale does everything with tokens that stale has made invalid.
func withStale(t *testing.T, s *server, stale func()) {
	t.Helper()
	users := map[string]*user{}
	for name := range everything {
		users[name] = as(t, s, "ann", "first")
		users[name].put("ann/a", "1")
	}
	stale()
	for name, f := range everything {
		t.Run(name, func(t *testing.T) { f(&user{t, users[name].rt, users[name].options}) })
	}
}

func TestAnExpiredTokenIsRenewed(t *testing.T) {
	s := locked(t, "--auth-token", "simple", "--auth-token-ttl", "1")
	before := len(s.log())
	withStale(t, s, func() {
		testhost.Soon(t, "the expiry", func() bool {
			return strings.Count(s.log()[before:], "deleted a simple token") >= len(everything)
		})
	})
}

func TestATokenIsRenewedAfterARestart(t *testing.T) {
	s := locked(t)
	withStale(t, s, s.restart)
}

func TestManyWhoNeedATokenGetOne(t *testing.T) {
	s := locked(t)
	u := as(t, s, "ann", "first")
	u.put("ann/a", "1")
	s.restart()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := u.try("put", lua.Table{"key": "ann/a", "value": "2"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestAJWTIsRenewed(t *testing.T) {
	folder := t.TempDir()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, bytes []byte) string {
		path := filepath.Join(folder, name)
		text := encoding.EncodeToMemory(&encoding.Block{Type: kind, Bytes: bytes})
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s := locked(t, "--auth-token", "jwt,sign-method=RS256,ttl=2s,priv-key="+
		write("key", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))+",pub-key="+write("pub", "PUBLIC KEY", public))
	withStale(t, s, func() {
		later := s.admin("", "")
		token, err := later.Authenticate(ctx(t), "ann", "first")
		if err != nil {
			t.Fatal(err)
		}
		testhost.Soon(t, "the expiry", func() bool {
			_, err := later.Get(withToken(ctx(t), token.Token), "ann/a")
			return refusesToken(err)
		})
	})
	t.Run("of an older revision of the permissions", func(t *testing.T) {
		u := as(t, s, "ann", "first")
		u.put("ann/a", "1")
		if _, err := s.admin("root", "secret").RoleAdd(ctx(t), "another"); err != nil {
			t.Fatal(err)
		}
		u.put("ann/a", "2")
	})
}

func TestAPasswordThatWasChangedMeanwhile(t *testing.T) {
	s := locked(t)
	u := as(t, s, "ann", "first")
	u.put("ann/a", "1")
	open, _ := u.watch(lua.Table{"key": "ann/a"})
	if _, err := s.admin("root", "secret").UserChangePassword(ctx(t), "ann", "second"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := u.try("put", lua.Table{"key": "ann/a", "value": "2"})
		lua.Fails(t, err, 16, "invalid auth token", "logging in again failed", rpctypes.ErrAuthFailed.Error())
	}
	_, err := u.open("watch", lua.Table{"key": "ann/a"}).try()
	lua.Fails(t, err, 16, "logging in again failed", rpctypes.ErrAuthFailed.Error())
	again := as(t, s, "ann", "second")
	again.put("ann/a", "3")
	if got := open.values(1); got != "3" {
		t.Errorf("a watch that was open sees %s", got)
	}
	s.restart()
	_, err = open.try()
	lua.Fails(t, err, 16, "logging in again failed", rpctypes.ErrAuthFailed.Error())
	_, err = as(t, s, "ann", "first").try("get", lua.Table{"key": "ann/a"})
	lua.Fails(t, err, 3, rpctypes.ErrAuthFailed.Error())
}

func TestAuthenticationIsTurnedOffAndOnAgain(t *testing.T) {
	s := locked(t)
	u := as(t, s, "root", "secret")
	none := userOf(t, s)
	w, _ := u.watch(lua.Table{"key": "ann/a"})
	u.put("ann/a", "on")
	_, err := none.try("put", lua.Table{"key": "ann/a", "value": "x"})
	lua.Fails(t, err, 3, "user name is empty")
	if _, err := s.admin("root", "secret").AuthDisable(ctx(t)); err != nil {
		t.Fatal(err)
	}
	u.put("ann/a", "off")
	none.put("ann/a", "off, without a user")
	early := u.with(lua.Table{"idle_timeout": 1000})
	early.put("ann/a", "off, and new")
	if _, err := s.admin("", "").AuthEnable(ctx(t)); err != nil {
		t.Fatal(err)
	}
	u.put("ann/a", "on again")
	early.put("ann/a", "on again, and logged in late")
	_, err = none.try("put", lua.Table{"key": "ann/a", "value": "x"})
	lua.Fails(t, err, 3, "user name is empty")
	if got := strings.Count(w.values(6), "on"); got != 3 {
		t.Error(got)
	}
}

func TestAWatchWithoutPermission(t *testing.T) {
	s := locked(t)
	u := as(t, s, "ann", "first")
	allowed, _ := u.watch(lua.Table{"key": "ann/a"})
	for _, body := range []lua.Table{{"key": "bob"}, {"key": "", "prefix": true}, {"key": "ann/", "range_end": "b"}} {
		_, err := u.open("watch", body).try()
		lua.Fails(t, err, 7, rpctypes.ErrPermissionDenied.Error())
	}
	_, err := userOf(t, s).open("watch", lua.Table{"key": "ann/a"}).try()
	lua.Fails(t, err, 3, "user name is empty")
	u.put("ann/a", "1")
	if got := allowed.values(1); got != "1" {
		t.Errorf("the other watch sees %s", got)
	}
}

func TestAWatchWhosePermissionIsRevoked(t *testing.T) {
	s := locked(t)
	u := as(t, s, "ann", "first")
	w, _ := u.watch(lua.Table{"key": "ann/a"})
	root := s.admin("root", "secret")
	if err := forbid(t, root); err != nil {
		t.Fatal(err)
	}
	_, err := u.open("watch", lua.Table{"key": "ann/a"}).try()
	lua.Fails(t, err, 7, rpctypes.ErrPermissionDenied.Error())
	if _, err := root.Put(ctx(t), "ann/a", "for who was there before"); err != nil {
		t.Fatal(err)
	}
	w.values(1)
	s.restart()
	_, err = w.try()
	lua.Fails(t, err, 7, rpctypes.ErrPermissionDenied.Error())
}

func TestALockIsWaitedForThroughARestartWithAuthentication(t *testing.T) {
	s := locked(t)
	u := as(t, s, "ann", "first")
	held := u.open("lock", lua.Table{"name": "ann/lock", "ttl": 60})
	held.next()
	waiting := u.open("lock", lua.Table{"name": "ann/lock", "ttl": 60})
	testhost.Soon(t, "the second key", func() bool {
		return u.call("get", lua.Table{"key": "ann/lock", "prefix": true}).Count == 2
	})
	s.restart()
	u.put("ann/a", "there again")
	if err := held.Send(nil, true); err != nil {
		t.Fatal(err)
	}
	if key := waiting.next().Key; !strings.HasPrefix(key, "ann/lock/") {
		t.Error(key)
	}
}
