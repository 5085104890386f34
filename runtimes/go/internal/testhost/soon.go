package testhost

import (
	"testing"
	"time"
)

// Soon waits until happened returns true, and fails the test after 20 seconds.
func Soon(t testing.TB, what string, happened func() bool) {
	t.Helper()
	Within(t, 20*time.Second, what, happened)
}

// Within is Soon with another timeout.
func Within(t testing.TB, timeout time.Duration, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(timeout); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: it has not happened within %v", what, timeout)
		}
	}
}
