package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// dict does one operation: [in ZONE] set K V [TTL_MS], add K V [TTL_MS], get K, incr K N [TTL_MS] or delete K. A value may
// have blanks in it: its last word is the time to live if it is a number.
func dict(ctx context.Context, rt *restyffi.Runtime, request []byte) ([]byte, error) {
	d, text := rt.Dict(), string(request)
	if rest, ok := strings.CutPrefix(text, "in "); ok {
		zone, operation, _ := strings.Cut(rest, " ")
		d, text = rt.NamedDict(zone), operation
	}
	words := strings.SplitN(text, " ", 3)
	switch {
	case words[0] == "set" && len(words) == 3:
		value, ttl := valueAndTTL(words[2])
		return []byte(value), d.Set(ctx, words[1], []byte(value), ttl)
	case words[0] == "add" && len(words) == 3:
		value, ttl := valueAndTTL(words[2])
		stored, err := d.Add(ctx, words[1], []byte(value), ttl)
		if !stored {
			return nil, err
		}
		return []byte(value), err
	case words[0] == "get" && len(words) == 2:
		return d.Get(ctx, words[1])
	case words[0] == "incr" && len(words) == 3:
		number, ttl := valueAndTTL(words[2])
		by, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("incr wants a number, not %.40q", words[2])
		}
		sum, err := d.IncrTTL(ctx, words[1], by, ttl)
		return strconv.AppendInt(nil, sum, 10), err
	case words[0] == "delete" && len(words) == 2:
		return nil, d.Delete(ctx, words[1])
	}
	return nil, fmt.Errorf("dict wants [in ZONE] set K V [TTL_MS], add K V [TTL_MS], get K, incr K N [TTL_MS] or delete K, not %.40q", request)
}

func valueAndTTL(text string) (value string, ttl time.Duration) {
	if at := strings.LastIndexByte(text, ' '); at >= 0 {
		if ttl, err := milliseconds([]byte(text[at+1:])); err == nil {
			return text[:at], ttl
		}
	}
	return text, 0
}
