// The conformance runtime of the Go SDK: the methods of the suite that every language passes, one short handler each.
package main

// #include <stdlib.h>
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

func init() { restyffi.Serve(setUp) }

func main() {}

func setUp(rt *restyffi.Runtime) error {
	var cancellations atomic.Int64
	streams(rt, &cancellations)

	rt.Handle("lang", lang)
	rt.Handle("echo", func(_ context.Context, request []byte) ([]byte, error) { return request, nil })
	rt.Handle("xor", xor)
	rt.Handle("empty", func(context.Context, []byte) ([]byte, error) { return []byte{}, nil })
	rt.Handle("none", func(context.Context, []byte) ([]byte, error) { return nil, nil })
	rt.Handle("nilreq", nilreq)
	rt.Handle("fill", fill)
	rt.Handle("sleep", sleep)
	rt.Handle("block", block)
	rt.Handle("fail", fail)
	rt.Handle("throw", func(context.Context, []byte) ([]byte, error) { panic("thrown on purpose") })
	rt.Handle("never", func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		cancellations.Add(1)
		return nil, ctx.Err()
	})
	rt.Handle("cancelled", func(context.Context, []byte) ([]byte, error) {
		return strconv.AppendInt(nil, cancellations.Load(), 10), nil
	})
	rt.Handle("remaining", remaining)
	rt.Handle("config", func(context.Context, []byte) ([]byte, error) {
		if config, ok := rt.Config(); ok {
			return []byte(config), nil
		}
		return nil, nil
	})
	rt.Handle("log", func(ctx context.Context, request []byte) ([]byte, error) { return log(ctx, rt.Logger(), request) })
	rt.Handle("dict", func(ctx context.Context, request []byte) ([]byte, error) { return dict(ctx, rt, request) })
	rt.Handle("print", print)
	rt.Handle("crash", func(context.Context, []byte) ([]byte, error) {
		C.abort()
		return nil, nil
	})
	rt.Handle("exit", exit)
	finishing(rt)
	rt.Handle("run", run)
	rt.Handle("environment", environment)
	rt.Handle("arguments", arguments)
	rt.Handle("signals", signals)
	rt.Handle("panic", func(context.Context, []byte) ([]byte, error) {
		go panic("outside of a handler")
		select {}
	})
	return nil
}

func lang(context.Context, []byte) ([]byte, error) {
	return json.Marshal(map[string]any{
		"language": "go",
		"version":  strings.TrimPrefix(runtime.Version(), "go"),
		"sdk":      restyffi.Version,
		"abi":      restyffi.ABI(),
		"pid":      os.Getpid(),
	})
}

func xor(_ context.Context, request []byte) ([]byte, error) {
	for i := range request {
		request[i] ^= 0x5a
	}
	return request, nil
}

func nilreq(_ context.Context, request []byte) ([]byte, error) {
	switch {
	case request == nil:
		return []byte("nil"), nil
	case len(request) == 0:
		return []byte("empty"), nil
	}
	return []byte("bytes"), nil
}

func fill(_ context.Context, request []byte) ([]byte, error) {
	n, err := strconv.Atoi(string(request))
	if err != nil || n < 0 {
		return nil, fmt.Errorf("fill wants a number of bytes, not %.40q", request)
	}
	response := make([]byte, n)
	for i := range response {
		response[i] = byte(i % 251)
	}
	return response, nil
}

// sleep costs a goroutine, no thread.
func sleep(ctx context.Context, request []byte) ([]byte, error) {
	d, err := milliseconds(request)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return []byte("slept"), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// block holds a thread in a system call. Go's scheduler starts another thread for the other goroutines.
func block(_ context.Context, request []byte) ([]byte, error) {
	d, err := milliseconds(request)
	if err != nil {
		return nil, err
	}
	left := syscall.NsecToTimespec(int64(d))
	for syscall.Nanosleep(&left, &left) == syscall.EINTR {
	}
	return []byte("blocked"), nil
}

func fail(_ context.Context, request []byte) ([]byte, error) {
	code, message, _ := strings.Cut(string(request), " ")
	n, err := strconv.Atoi(code)
	if err != nil {
		return nil, fmt.Errorf("fail wants a code and a message, not %.40q", request)
	}
	return nil, &restyffi.Error{Code: n, Message: message}
}

// remaining counts whole milliseconds.
func remaining(ctx context.Context, _ []byte) ([]byte, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return []byte("-1"), nil
	}
	left := max(0, time.Until(deadline).Milliseconds())
	return strconv.AppendInt(nil, left, 10), nil
}

var levels = map[string]slog.Level{
	"debug":  slog.LevelDebug,
	"info":   slog.LevelInfo,
	"notice": restyffi.LevelNotice,
	"warn":   slog.LevelWarn,
	"err":    slog.LevelError,
	"error":  slog.LevelError,
	"crit":   restyffi.LevelCrit,
}

func log(ctx context.Context, logger *slog.Logger, request []byte) ([]byte, error) {
	name, message, _ := strings.Cut(string(request), " ")
	level, ok := levels[name]
	if !ok {
		return nil, fmt.Errorf("%.40q is not a level; the levels are debug, info, notice, warn, err and crit", name)
	}
	logger.Log(ctx, level, message)
	return []byte("logged"), nil
}

// print writes a line to where the process writes.
func print(_ context.Context, request []byte) ([]byte, error) {
	where, text, _ := strings.Cut(string(request), " ")
	file, ok := map[string]*os.File{"stdout": os.Stdout, "stderr": os.Stderr}[where]
	if !ok {
		return nil, fmt.Errorf("print wants stdout TEXT or stderr TEXT, not %.40q", request)
	}
	_, err := fmt.Fprintln(file, text)
	return []byte{}, err
}
