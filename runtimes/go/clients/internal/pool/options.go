package pool

import "time"

// Options are those of a client that concern its pool. An options struct of a client embeds them.
type Options struct {
	// IdleTimeout is the number of seconds after which a client that nobody uses is closed.
	IdleTimeout float64 `msgpack:"idle_timeout"`
}

const (
	usualIdle = time.Minute
	leastIdle = 10 * time.Millisecond // less would be looking all the time
	mostIdle  = 2_000_000 * time.Second
)

// Idle is the idle time, a minute unless the options have it.
func (o *Options) Idle() time.Duration {
	switch seconds := o.IdleTimeout; {
	case !(seconds > 0): // not a number, too
		return usualIdle
	case seconds > mostIdle.Seconds():
		return mostIdle
	default:
		return max(time.Duration(seconds*float64(time.Second)), leastIdle)
	}
}
