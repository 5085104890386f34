// Package load keeps a number of calls in flight for a number of seconds, as packages/bench/lua/measure.lua does inside nginx.
package load

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

const warmUp = 100 * time.Millisecond

// Settings are the command line of every program here.
type Settings struct {
	Address  string
	Topic    string
	InFlight int
	Bytes    int
	Duration time.Duration
}

// Parse reads the command line.
func Parse() Settings {
	var s Settings
	var seconds float64
	flag.StringVar(&s.Address, "address", "", "host:port of the server")
	flag.StringVar(&s.Topic, "topic", "", "the topic of Kafka")
	flag.IntVar(&s.InFlight, "in-flight", 1, "calls at any time")
	flag.IntVar(&s.Bytes, "bytes", 64, "the size of a value")
	flag.Float64Var(&seconds, "seconds", 1, "how long")
	flag.Parse()
	s.Duration = time.Duration(seconds * float64(time.Second))
	return s
}

func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // cannot fail for oneself
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// ErrEnd is what a call returns when there is nothing more to be had.
var ErrEnd = errors.New("the end")

// Run measures call and prints one line of JSON.
func Run(s Settings, call func() error) {
	warm := time.Now().Add(warmUp)
	stop := warm.Add(s.Duration)
	took := make([][]time.Duration, s.InFlight)
	var cpuBefore time.Duration
	time.AfterFunc(warmUp, func() { cpuBefore = cpu() })
	var running sync.WaitGroup
	for i := range s.InFlight {
		running.Go(func() {
			for before := time.Now(); before.Before(stop); {
				err := call()
				if err == ErrEnd {
					return
				} else if err != nil {
					Fail(err)
				}
				now := time.Now()
				if before.After(warm) {
					took[i] = append(took[i], now.Sub(before))
				}
				before = now
			}
		})
	}
	running.Wait()
	elapsed := time.Since(warm)
	used := cpu() - cpuBefore
	all := slices.Concat(took...)
	if len(all) == 0 {
		Fail(fmt.Errorf("no call was answered in time"))
	}
	slices.Sort(all)
	at := func(share float64) float64 { return float64(all[int(share*float64(len(all)-1))].Nanoseconds()) / 1000 }
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"calls": len(all), "seconds": elapsed.Seconds(), "p50_us": at(0.5), "p99_us": at(0.99),
		"cpu_us": used.Microseconds(),
	})
}

// Fail ends the program.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
