//go:build race

package restyffi

// The race detector has memory of its own for each byte of Go's heap: resident memory says little.
const raceDetector = true
