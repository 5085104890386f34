package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

func TestCodes(t *testing.T) {
	cases := []struct {
		err  error
		code int
	}{
		{kerr.UnknownTopicOrPartition, 3},
		{fmt.Errorf("%w (too much)", kerr.MessageTooLarge), 10},
		{kerr.UnknownServerError, clientFailure}, // its -1 is a code of the host's
		{kgo.ErrMaxBuffered, clientFailure},
		{invalid("wrong"), 42},
	}
	for _, c := range cases {
		var got *restyffi.Error
		if err := failure(c.err); !errors.As(err, &got) || got.Code != c.code || got.Message != c.err.Error() {
			t.Errorf("%v: %v", c.err, err)
		}
	}
	if err := failure(nil); err != nil {
		t.Errorf("no error: %v", err)
	}
}
