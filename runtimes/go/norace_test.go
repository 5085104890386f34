//go:build !race

package restyffi

const raceDetector = false
