package testhost

import (
	"testing"
	"time"
)

// Soon waits until something has happened, and fails the test if it has not within 20 seconds.
func Soon(t testing.TB, what string, happened func() bool) {
	t.Helper()
	Within(t, 20*time.Second, what, happened)
}

// Within is Soon with another time.
func Within(t testing.TB, timeout time.Duration, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(timeout); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: it has not happened within %v", what, timeout)
		}
	}
}
