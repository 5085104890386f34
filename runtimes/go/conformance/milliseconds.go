package main

import (
	"fmt"
	"strconv"
	"time"
)

func milliseconds(request []byte) (time.Duration, error) {
	ms, err := strconv.ParseUint(string(request), 10, 31)
	if err != nil {
		return 0, fmt.Errorf("a number of milliseconds was expected, not %.40q", request)
	}
	return time.Duration(ms) * time.Millisecond, nil
}
