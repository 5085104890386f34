package restyffi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// A library calls Serve from an init function of its main package.
func ExampleServe() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		rt.Handle("echo", func(_ context.Context, request []byte) ([]byte, error) { return request, nil })
		return nil
	})

	rt := loadFFI("") // in Lua: local rt = ngx.load_ffi("ffi_go_echo")
	defer rt.unload()
	rt.call("echo", "hello") // in Lua: print(rt:echo("hello"))
	// Output: true hello
}

func ExampleRuntime_Handle() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		rt.Handle("upper", func(_ context.Context, request []byte) ([]byte, error) {
			return bytes.ToUpper(request), nil
		})
		rt.Handle("forget", func(context.Context, []byte) ([]byte, error) {
			return nil, nil // nil in Lua, too; []byte{} is an empty string
		})
		return nil
	})

	rt := loadFFI("")
	defer rt.unload()
	rt.call("upper", "hello") // in Lua: print(rt:upper("hello"))
	rt.call("forget", "hello")
	rt.call("lower", "hello")
	// Output:
	// true HELLO
	// true nil
	// false -5 runtime "libffi_go_test.so" has no method "lower"; it has: forget, upper
}

func ExampleRuntime_HandleDefault() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		rt.HandleDefault(func(_ context.Context, method string, request []byte) ([]byte, error) {
			return fmt.Appendf(nil, "%s of %q", method, request), nil
		})
		return nil
	})

	rt := loadFFI("")
	defer rt.unload()
	rt.call("anything", "hello") // in Lua: print(rt:anything("hello"))
	// Output: true anything of "hello"
}

// The context of a call has the caller's deadline. Pass it to everything that the handler waits for.
func ExampleHandler() {
	answerAt := func(ctx context.Context) string {
		deadline, limited := ctx.Deadline()
		if !limited {
			return "there is no hurry"
		}
		return "within " + time.Until(deadline).Round(time.Minute).String()
	}
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		rt.Handle("hurry", func(ctx context.Context, _ []byte) ([]byte, error) { return []byte(answerAt(ctx)), nil })
		return nil
	})

	rt := loadFFI("")
	defer rt.unload()
	rt.call("hurry", "")
	rt.callWithin(2*time.Minute, "hurry", "") // in Lua: print(rt:hurry("", { timeout = 120 }))
	// Output:
	// true there is no hurry
	// true within 2m0s
}

// The caller gets the code of an error made by Errorf. The code of any other error is CodeThrew.
func ExampleErrorf() {
	const unknownUser = 404
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		rt.Handle("user", func(_ context.Context, request []byte) ([]byte, error) {
			id, err := strconv.Atoi(string(request))
			if err != nil {
				return nil, err
			}
			return nil, restyffi.Errorf(unknownUser, "there is no user %d", id)
		})
		return nil
	})

	rt := loadFFI("")
	defer rt.unload()
	rt.call("user", "7") // in Lua: print(rt:user("7"))
	rt.call("user", "ann")
	// Output:
	// false 404 there is no user 7
	// false -6 strconv.Atoi: parsing "ann": invalid syntax
}

func ExampleRuntime_DecodeConfig() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		config := struct {
			Greeting string `json:"greeting"`
			Mark     string `json:"mark"`
		}{Greeting: "Hello", Mark: "!"}
		if err := rt.DecodeConfig(&config); err != nil {
			return err // the load fails with it
		}
		rt.Handle("greet", func(_ context.Context, name []byte) ([]byte, error) {
			return fmt.Appendf(nil, "%s, %s%s", config.Greeting, name, config.Mark), nil
		})
		return nil
	})

	rt := loadFFI(`{"greeting": "Good morning"}`) // the second argument of ngx.load_ffi
	defer rt.unload()
	rt.call("greet", "Ann")
	// Output: true Good morning, Ann!
}

func ExampleRuntime_Logger() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		log := rt.Logger().With("part", "cache")
		log.Warn("The cache is nearly full.", "percent", 95)
		log.Log(context.Background(), restyffi.LevelNotice, "Old entries are dropped.")
		return nil
	})

	rt := loadFFI("")
	defer rt.unload()
	rt.log(2) // nginx's error.log
	// Output:
	// [warn] libffi_go_test.so: The cache is nearly full. part=cache percent=95
	// [notice] libffi_go_test.so: Old entries are dropped. part=cache
}

func ExampleRuntime_HandleStream() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		rt.HandleStream("upper", func(_ context.Context, s *restyffi.Stream) error {
			for {
				message, err := s.Recv()
				if err == io.EOF {
					return nil // the client has closed its direction
				}
				if err == nil {
					err = s.Send(bytes.ToUpper(message))
				}
				if err != nil {
					return err
				}
			}
		})
		return nil
	})

	rt := loadFFI("")
	defer rt.unload()
	rt.stream("upper", "one", "two") // in Lua: stream:send, then stream:recv until it returns true, nil
	// Output:
	// true ONE
	// true TWO
	// true nil
}

// Send waits while the client does not read, so a handler can send more than fits into memory.
func ExampleStream_Send() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		rt.HandleStream("count", func(_ context.Context, s *restyffi.Stream) error {
			for number := range 3 {
				if err := s.Send(strconv.AppendInt(nil, int64(number), 10)); err != nil {
					return err // the client has gone
				}
			}
			return restyffi.Errorf(1, "three is enough")
		})
		return nil
	})

	rt := loadFFI("")
	defer rt.unload()
	rt.stream("count")
	// Output:
	// true 0
	// true 1
	// true 2
	// false 1 three is enough
}

// All workers of nginx share the dict.
func ExampleDict_Incr() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		dict := rt.NamedDict("cache") // in Lua: dicts = { "cache" } in the options of ngx.load_ffi
		rt.Handle("visit", func(ctx context.Context, page []byte) ([]byte, error) {
			visits, err := dict.Incr(ctx, "visits of "+string(page), 1)
			if err != nil {
				return nil, err
			}
			return strconv.AppendInt(nil, visits, 10), nil
		})
		return nil
	})

	rt := loadFFI("")
	defer rt.unload()
	rt.call("visit", "index")
	rt.call("visit", "index")
	rt.call("visit", "about")
	// Output:
	// true 1
	// true 2
	// true 1
}

// A goroutine that works between the calls ends with the runtime, which waits for it.
func ExampleRuntime_Context() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			ticks := time.NewTicker(time.Minute)
			defer ticks.Stop()
			for {
				select {
				case <-ticks.C: // look after the cache
				case <-rt.Context().Done():
					fmt.Println("The runtime ends.")
					return
				}
			}
		}()
		rt.OnUnload(func(context.Context) error {
			<-ended
			return nil
		})
		return nil
	})

	loadFFI("").unload()
	// Output: The runtime ends.
}

// The function passed to OnUnload stores what the handlers have accepted.
func ExampleRuntime_OnUnload() {
	restyffi.Serve(func(rt *restyffi.Runtime) error {
		lines := make(chan []byte, 100)
		rt.Handle("note", func(ctx context.Context, line []byte) ([]byte, error) {
			select {
			case lines <- bytes.Clone(line): // the request is the host's memory
				return nil, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		rt.OnUnload(func(ctx context.Context) error {
			for ctx.Err() == nil {
				select {
				case line := <-lines:
					fmt.Printf("stored: %s\n", line)
				default:
					return nil
				}
			}
			return fmt.Errorf("%d lines are lost: %w", len(lines), ctx.Err())
		})
		return nil
	})

	rt := loadFFI("")
	rt.call("note", "one")
	rt.call("note", "two")
	rt.unload()
	// Output:
	// true nil
	// true nil
	// stored: one
	// stored: two
}
