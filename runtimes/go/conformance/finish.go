package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// finishing serves "finish": "MS FILE" is what there is to finish at the end, how long it takes, and the file that notes
// that it is done.
func finishing(rt *restyffi.Runtime) {
	var work atomic.Pointer[string]
	rt.Handle("finish", func(_ context.Context, request []byte) ([]byte, error) {
		text := string(request)
		work.Store(&text)
		return nil, nil
	})
	rt.OnUnload(func(ctx context.Context) error {
		text := work.Load()
		if text == nil {
			return nil
		}
		var ms int
		var path string
		if _, err := fmt.Sscanf(*text, "%d %s", &ms, &path); err != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.WriteString("finished\n")
		return err
	})
}
