package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// build builds a runtime the way an author does.
func build(t *testing.T, pkg string) string {
	t.Helper()
	lib := filepath.Join(t.TempDir(), "libffi_go.so")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-buildmode=c-shared", "-o", lib, pkg)
	// An author does not link with the host's library.
	cmd.Env = append(os.Environ(), "CGO_LDFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return lib
}

// program is the C test host with a library loaded; it answers line by line.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	log   *bytes.Buffer
	ended bool
}

func harness(t *testing.T, args ...string) *program {
	t.Helper()
	path := "../../../native/dist/bin/harness"
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the C test host is missing: build native/ first (%v)", err)
	}
	p := &program{t: t, cmd: exec.Command(path, args...), log: new(bytes.Buffer)}
	p.cmd.Stderr = p.log
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewScanner(out)
	p.out.Buffer(nil, 10<<20)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.end() })
	return p
}

func (p *program) ask(line string) string {
	p.t.Helper()
	fmt.Fprintln(p.in, line)
	if !p.out.Scan() {
		p.end()
		p.t.Fatalf("no answer to %q; the log is:\n%s", line, p.log)
	}
	return p.out.Text()
}

// end lets the program unload the runtime and end; it returns its log.
func (p *program) end() string {
	if !p.ended {
		p.ended = true
		p.in.Close()
		if err := p.cmd.Wait(); err != nil {
			p.t.Errorf("the host ended with %v; its log is:\n%s", err, p.log)
		}
	}
	return p.log.String()
}

func TestConformanceRuntime(t *testing.T) {
	lib := build(t, ".")
	p := harness(t, "script", lib, `{"greeting":"hi"}`)

	var lang struct {
		Language, Version, SDK string
		ABI, Pid               int
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(p.ask("lang"), "ok ")), &lang); err != nil {
		t.Fatal(err)
	}
	if lang.Language != "go" || "go"+lang.Version != runtime.Version() || lang.SDK != restyffi.Version || lang.ABI != 2 || lang.Pid != p.cmd.Process.Pid {
		t.Errorf("lang: %+v", lang)
	}
	cases := []struct{ ask, want string }{
		{"echo hello", "ok hello"},
		{"xor a", "ok ;"},
		{"empty", "ok "},
		{"none", "nil"},
		{"nilreq", "ok nil"},
		{"nilreq ", "ok empty"},
		{"nilreq x", "ok bytes"},
		{"fill 0", "ok "},
		{"fill x", `-6 fill wants a number of bytes, not "x"`},
		{"sleep 20", "ok slept"},
		{"block 20", "ok blocked"},
		{"fail 42 the message", "42 the message"},
		{"fail -3 of the host's", "-3 of the host's"},
		{"throw", "-6 panic: thrown on purpose"},
		{"cancelled", "ok 0"},
		{"config", `ok {"greeting":"hi"}`},
		{"log notice hello log", "ok logged"},
		{"log loud x", `-6 "loud" is not a level; the levels are debug, info, notice, warn, err and crit`},
		{"print stderr a line", "ok "},
		{"print x", `-6 print wants stdout TEXT or stderr TEXT, not "x"`},
		{"streams", "ok 0"},
		{"chat x", `-10 "chat" is a stream: open it with resty_ffi.stream`},
	}
	for _, c := range cases {
		if got := p.ask(c.ask); got != c.want {
			t.Errorf("%q: got %q, want %q", c.ask, got, c.want)
		}
	}
	if got := p.ask("remaining"); !regexp.MustCompile(`^ok (9\d\d\d|10000)$`).MatchString(got) {
		t.Errorf("remaining: %q of 10000 ms", got)
	}
	log := p.end()
	if !strings.Contains(log, "[notice] libffi_go.so: hello log\n") || !strings.Contains(log, "\na line\n") {
		t.Errorf("the log is:\n%s", log)
	}
}

func TestCancelledAtTheDeadline(t *testing.T) {
	p := harness(t, "--timeout", "100", "script", build(t, "."), "-")
	for range 2 {
		if got := p.ask("never"); !strings.HasPrefix(got, "-1 timeout") {
			t.Errorf("never: %q", got)
		}
	}
	end := time.Now().Add(5 * time.Second)
	for p.ask("cancelled") != "ok 2" {
		if time.Now().After(end) {
			t.Fatalf("the handlers of two calls that nobody waits for: %s have been cancelled", p.ask("cancelled"))
		}
	}
	if got := p.ask("config"); got != "nil" {
		t.Errorf("config: %q", got)
	}
}

// Every answer is compared with its request.
func TestEchoUnderLoad(t *testing.T) {
	p := harness(t, "bench", build(t, "../examples/echo"), "-", "64", "1000", "1")
	p.out.Scan()
	var result struct {
		CallsPerSecond float64 `json:"calls_per_s"`
	}
	if err := json.Unmarshal(p.out.Bytes(), &result); err != nil || result.CallsPerSecond < 100 {
		t.Errorf("%q: %v", p.out.Text(), err)
	}
	if log := p.end(); log != "" {
		t.Errorf("the log is:\n%s", log)
	}
}

// Whoever looks at a host's threads sees whose they are, and the host keeps its own names.
func TestThreadNames(t *testing.T) {
	p := harness(t, "script", build(t, "."), "-")
	p.ask("block 50")
	p.ask("sleep 50")
	names := make(map[string]int)
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", p.cmd.Process.Pid))
	for _, file := range files {
		if name, err := os.ReadFile(file); err == nil {
			names[strings.TrimSpace(string(name))]++
		}
	}
	if names["harness"] != 1 || names["ffi-init"] != 1 || names["ffi-go"] < 2 || len(names) != 3 {
		t.Errorf("the threads of the host are %v", names)
	}
}

func TestExportedNames(t *testing.T) {
	out, err := exec.Command("nm", "-D", "--defined-only", build(t, "../examples/echo")).Output()
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m) [TDBR] (\S*ffi\S*)$`).FindAllStringSubmatch(string(out), -1)
	found := false
	for _, n := range names {
		found = found || n[1] == "libffi_init"
		if n[1] != "libffi_init" && !strings.HasPrefix(n[1], "_cgo") {
			t.Errorf("the library exports %s", n[1])
		}
	}
	if !found {
		t.Errorf("libffi_init is not exported: %v", names)
	}
}
