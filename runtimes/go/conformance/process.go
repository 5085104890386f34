package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// exit leaves the process with the code that the request names, or 3.
func exit(_ context.Context, request []byte) ([]byte, error) {
	code := 3
	if len(request) > 0 {
		n, err := strconv.Atoi(string(request))
		if err != nil {
			return nil, fmt.Errorf("exit wants a code, not %.40q", request)
		}
		code = n
	}
	os.Exit(code)
	return nil, nil
}

// run starts a program: a line "wait MS" or "end MS", then a line for each of its words. After MS milliseconds it
// waits for the program, or ends it first. The answer is "exit CODE" or "signal NUMBER".
func run(ctx context.Context, request []byte) ([]byte, error) {
	lines := strings.Split(string(request), "\n")
	what, after, _ := strings.Cut(lines[0], " ")
	pause, err := milliseconds([]byte(after))
	if err != nil || len(lines) < 2 {
		return nil, fmt.Errorf("run wants \"wait MS\" or \"end MS\" and a program, not %.80q", request)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	cmd := exec.CommandContext(ctx, lines[1], lines[2:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	time.Sleep(pause)
	if what == "end" {
		end()
	}
	var failed *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &failed) && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return fmt.Appendf(nil, "signal %d", status.Signal()), nil
	}
	return fmt.Appendf(nil, "exit %d", status.ExitStatus()), nil
}

// environment is all variables, a line for each.
func environment(context.Context, []byte) ([]byte, error) {
	variables := os.Environ()
	slices.Sort(variables)
	return []byte(strings.Join(variables, "\n")), nil
}

// arguments counts those after the program's name.
func arguments(context.Context, []byte) ([]byte, error) {
	return strconv.AppendInt(nil, int64(len(os.Args)-1), 10), nil
}

// signals asks for every signal there is.
func signals(context.Context, []byte) ([]byte, error) {
	signal.Notify(make(chan os.Signal, 100))
	return []byte("asked"), nil
}
