package restyffi

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

func TestLog(t *testing.T) {
	var logger *slog.Logger
	h, _ := load(t, func(rt *Runtime) error {
		logger = rt.Logger()
		return nil
	})
	ctx := context.Background()
	cases := []struct {
		log   func()
		level int
		text  string
	}{
		{func() { logger.Debug("a") }, testhost.Debug, "a"},
		{func() { logger.Info("two words") }, testhost.Info, "two words"},
		{func() { logger.Log(ctx, LevelNotice, "c") }, testhost.Notice, "c"},
		{func() { logger.Warn("d") }, testhost.Warn, "d"},
		{func() { logger.Error("e") }, testhost.Err, "e"},
		{func() { logger.Log(ctx, LevelCrit, "f") }, testhost.Crit, "f"},
		{func() { logger.Log(ctx, slog.Level(-100), "g") }, testhost.Debug, "g"},
		{func() { logger.Log(ctx, slog.Level(5), "h") }, testhost.Warn, "h"},
		{func() { logger.Info(`"quoted" and = and \`) }, testhost.Info, `"quoted" and = and \`},
		{func() { logger.Info("bytes \xff\x01 ü\n2nd line") }, testhost.Info, "bytes \xff\x01 ü\n2nd line"},
		{func() { logger.Info("attributes", "k", 1, "l", "two words") }, testhost.Info, `attributes k=1 l="two words"`},
		{func() { logger.Info("same names", "msg", "m", "level", "l", "time", "t") }, testhost.Info, "same names msg=m level=l time=t"},
		{func() { logger.With("a", 1).WithGroup("g").Warn("grouped", "b", 2) }, testhost.Warn, "grouped a=1 g.b=2"},
	}
	for _, c := range cases {
		before := len(h.Lines())
		c.log()
		testhost.Soon(t, "the log line", func() bool { return len(h.Lines()) > before })
		if got, want := h.Lines()[before], (testhost.Line{Level: c.level, Text: "libffi_go_test.so: " + c.text}); got != want {
			t.Errorf("got %d %q, want %d %q", got.Level, got.Text, want.Level, want.Text)
		}
	}
}

func TestLogFromManyGoroutines(t *testing.T) {
	var logger *slog.Logger
	h, _ := load(t, func(rt *Runtime) error {
		logger = rt.Logger()
		return nil
	})
	var all sync.WaitGroup
	for g := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 100 {
				logger.With("g", g).Info("line", "i", i)
			}
		}()
	}
	all.Wait()
	testhost.Soon(t, "the last line", func() bool { return len(h.Lines()) == 800 })
	seen := make(map[string]bool)
	for _, l := range h.Lines() {
		seen[l.Text] = true
	}
	for g := range 8 {
		for i := range 100 {
			if want := fmt.Sprintf("libffi_go_test.so: line g=%d i=%d", g, i); !seen[want] {
				t.Fatalf("%q is missing", want)
			}
		}
	}
}
