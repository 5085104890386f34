package restyffi_test

import (
	"errors"
	"fmt"
	"io"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/internal/testhost"
)

// luaRuntime stands in the examples for what ngx.load_ffi returns in Lua. Its methods print what Lua sees.
type luaRuntime struct {
	host    *testhost.Host
	runtime *testhost.Runtime
}

// loadFFI loads the runtime that the example has passed to Serve. An empty config means none.
func loadFFI(config string) *luaRuntime {
	rt := &luaRuntime{host: testhost.New()}
	var text *string
	if config != "" {
		text = &config
	}
	var err error
	if rt.runtime, err = rt.host.Load(testhost.Self, text); err != nil {
		panic(err)
	}
	return rt
}

// call prints what rt:method(request) returns.
func (rt *luaRuntime) call(method, request string) { rt.callWithin(0, method, request) }

// callWithin prints what rt:method(request, { timeout = … }) returns; 0 means no timeout.
func (rt *luaRuntime) callWithin(timeout time.Duration, method, request string) {
	response, err := rt.runtime.Start(method, []byte(request), timeout).Wait()
	var failure *testhost.CallError
	switch {
	case errors.As(err, &failure):
		fmt.Println(false, failure.Code, failure.Text)
	case err != nil:
		fmt.Println(err)
	case response == nil:
		fmt.Println(true, "nil")
	default:
		fmt.Println(true, string(response))
	}
}

// stream opens a stream of a method, sends messages, and prints those that it receives.
func (rt *luaRuntime) stream(method string, messages ...string) {
	s, err := rt.runtime.Open(method, nil, len(messages) == 0, 0)
	if err != nil {
		fmt.Println("nil", err)
		return
	}
	defer s.Close()
	for i, message := range messages {
		if err := s.Send([]byte(message), i == len(messages)-1); err != nil {
			fmt.Println(false, err)
			return
		}
	}
	for {
		switch message, err := s.Recv(); {
		case err == io.EOF:
			fmt.Println(true, "nil")
			return
		case err != nil:
			fmt.Println(false, err)
			return
		default:
			fmt.Println(true, string(message))
		}
	}
}

// log waits until the host's log has this number of lines, and prints the log.
func (rt *luaRuntime) log(lines int) {
	for end := time.Now().Add(20 * time.Second); len(rt.host.Lines()) < lines && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	for _, line := range rt.host.Lines() {
		fmt.Println(levels[line.Level], line.Text)
	}
}

var levels = map[int]string{testhost.Err: "[error]", testhost.Warn: "[warn]", testhost.Notice: "[notice]"}

// unload ends the runtime, and waits for its end.
func (rt *luaRuntime) unload() {
	rt.host.Close(20 * time.Second)
	restyffi.ForgetServe()
}
