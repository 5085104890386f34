package restyffi

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"
)

// Levels of the host's log that package slog does not name. The others are Debug, Info, Warn and Error of package slog.
const (
	LevelNotice slog.Level = 2  // between Info and Warn
	LevelCrit   slog.Level = 12 // above Error
)

// Logger returns a logger that writes to the host's log (in nginx, error.log): the message, then the attributes as
// key=value. The host decides which levels it keeps; wrap the logger's Handler to decide earlier. The logger is safe for
// concurrent use, also in the function passed to [Serve]. Lines logged after the runtime was unloaded are lost.
func (rt *Runtime) Logger() *slog.Logger { return rt.logger }

func hostLevel(l slog.Level) int32 {
	switch {
	case l >= LevelCrit:
		return logCrit
	case l >= slog.LevelError:
		return logErr
	case l >= slog.LevelWarn:
		return logWarn
	case l >= LevelNotice:
		return logNotice
	case l >= slog.LevelInfo:
		return logInfo
	}
	return logDebug
}

// logHandler is the text handler of package slog without the time: the host's log has its own.
type logHandler struct{ slog.Handler }

func newLogger(rt *Runtime) *slog.Logger {
	all := &slog.HandlerOptions{Level: slog.Level(math.MinInt)}
	return slog.New(logHandler{slog.NewTextHandler(logWriter{rt}, all)})
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}
func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = time.Time{}
	return h.Handler.Handle(ctx, r)
}

// logWriter turns the lines of the text handler, level=INFO msg="a text" key=value, into LOG frames.
type logWriter struct{ rt *Runtime }

func (w logWriter) Write(line []byte) (int, error) {
	name, rest, ok := bytes.Cut(bytes.TrimPrefix(line, []byte("level=")), []byte(" msg="))
	var level slog.Level
	if err := level.UnmarshalText(name); err != nil || !ok {
		return 0, fmt.Errorf("restyffi: %q is not a line of slog.TextHandler", line)
	}
	rest = bytes.TrimSuffix(rest, []byte("\n"))
	if quoted, err := strconv.QuotedPrefix(string(rest)); err == nil {
		message, _ := strconv.Unquote(quoted)
		rest = append([]byte(message), rest[len(quoted):]...)
	}
	return len(line), w.rt.gate.enter(func() { w.rt.queue.log(hostLevel(level), rest) })
}
