package pool

import "time"

// Options are the options of a client that concern its pool. The options struct of a client embeds them.
type Options struct {
	// IdleTimeout is the number of seconds after which an unused client is closed.
	IdleTimeout float64 `msgpack:"idle_timeout"`
}

const (
	usualIdle = time.Minute
	leastIdle = 10 * time.Millisecond // a shorter time would cost too many checks
	mostIdle  = 2_000_000 * time.Second
)

// Idle returns the idle time, which is a minute by default.
func (o *Options) Idle() time.Duration {
	switch seconds := o.IdleTimeout; {
	case !(seconds > 0): // true for NaN, too
		return usualIdle
	case seconds > mostIdle.Seconds():
		return mostIdle
	default:
		return max(time.Duration(seconds*float64(time.Second)), leastIdle)
	}
}
