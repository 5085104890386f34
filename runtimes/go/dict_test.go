package restyffi

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

func TestDict(t *testing.T) {
	var d *Dict
	load(t, func(rt *Runtime) error {
		d = rt.Dict()
		return nil
	})
	ctx := context.Background()
	get := func(key string) []byte {
		t.Helper()
		value, err := d.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	set := func(key, value string, ttl time.Duration) {
		t.Helper()
		if err := d.Set(ctx, key, []byte(value), ttl); err != nil {
			t.Fatal(err)
		}
	}
	if v := get("k"); v != nil {
		t.Errorf("a key that was never set has the value %q", v)
	}
	set("k", "v\x00w", 0)
	if v := get("k"); string(v) != "v\x00w" {
		t.Errorf("got %q", v)
	}
	set("k", "", 0)
	if v := get("k"); v == nil || len(v) > 0 {
		t.Errorf("an empty value comes back as %q (nil: %v)", v, v == nil)
	}
	if err := d.Delete(ctx, "k"); err != nil || get("k") != nil {
		t.Errorf("the key is still there, %v", err)
	}
	if err := d.Delete(ctx, "k"); err != nil {
		t.Error(err)
	}

	set("short", "x", time.Nanosecond) // rounded up to 1 ms, not down to for ever
	testhost.Soon(t, "the end of a key's time", func() bool { return get("short") == nil })
	set("long", "x", time.Hour)
	if get("long") == nil {
		t.Error("an hour is over already")
	}
	var refused *Error
	if err := d.Set(ctx, "k", nil, -1); !errors.As(err, &refused) || refused.Code != CodeBadArgument {
		t.Errorf("a negative time to live: %v", err)
	}

	for i, by := range []int64{5, -7, 1 << 40} {
		want := []int64{5, -2, 1<<40 - 2}[i]
		if sum, err := d.Incr(ctx, "n", by); err != nil || sum != want {
			t.Errorf("got %d, %v; want %d", sum, err, want)
		}
	}
	set("word", "not a number", 0)
	if _, err := d.Incr(ctx, "word", 1); !errors.As(err, &refused) || refused.Message == "" {
		t.Errorf("a word can be counted up: %v", err)
	}

	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := d.Get(gone, "long"); err != nil && err != context.Canceled {
		t.Error(err)
	}
}

func TestNamedDicts(t *testing.T) {
	var first, cache, other, third *Dict
	load(t, func(rt *Runtime) error {
		first, cache, other, third = rt.Dict(), rt.NamedDict("cache"), rt.NamedDict("other"), rt.NamedDict("third")
		return nil
	})
	ctx := context.Background()
	for i, d := range []*Dict{cache, other, first} {
		stored, err := d.Add(ctx, "k", []byte{byte(i)}, time.Minute)
		if want := i < 2; stored != want || err != nil { // cache is the first dict that the host allows
			t.Errorf("dict %d: stored %v, %v", i, stored, err)
		}
	}
	for i, d := range []*Dict{cache, other} {
		if v, err := d.Get(ctx, "k"); err != nil || len(v) != 1 || v[0] != byte(i) {
			t.Errorf("dict %d: got %q, %v", i, v, err)
		}
	}
	if stored, err := cache.Add(ctx, "empty", nil, 0); !stored || err != nil {
		t.Errorf("an empty value: %v, %v", stored, err)
	}
	var refused *Error
	if _, err := third.Get(ctx, "k"); !errors.As(err, &refused) || !strings.Contains(err.Error(), `may not use the shared dict "third"`) {
		t.Errorf("a dict that the host does not allow: %v", err)
	}
	if stored, err := third.Add(ctx, "k", nil, 0); stored || err == nil {
		t.Errorf("a dict that the host does not allow: %v, %v", stored, err)
	}

	if sum, err := cache.IncrTTL(ctx, "n", 5, time.Nanosecond); sum != 5 || err != nil {
		t.Errorf("got %d, %v", sum, err)
	}
	testhost.Soon(t, "the end of a number's time", func() bool { v, err := cache.Get(ctx, "n"); return v == nil && err == nil })
}

func TestDictFromManyHandlers(t *testing.T) {
	_, rt := load(t, func(rt *Runtime) error {
		rt.Handle("count", func(ctx context.Context, _ []byte) ([]byte, error) {
			_, err := rt.Dict().Incr(ctx, "n", 1)
			return nil, err
		})
		rt.Handle("read", func(ctx context.Context, _ []byte) ([]byte, error) { return rt.Dict().Get(ctx, "n") })
		return nil
	})
	var all sync.WaitGroup
	for range 500 {
		all.Add(1)
		go func() {
			defer all.Done()
			answers(t, rt.Start("count", nil, 0), nil)
		}()
	}
	all.Wait()
	answers(t, rt.Start("read", nil, 0), []byte("500"))
}
