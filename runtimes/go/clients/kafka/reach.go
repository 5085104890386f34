package main

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/identity"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// troubleLasts is how long the last failure of a broker counts. franz-go retries a broker that is needed more often.
	troubleLasts = 30 * time.Second
	// silent is the state of a connection that waits for its first answer.
	silent = "it accepts connections, and does not answer"
)

// trouble is why a broker cannot be used.
type trouble struct {
	err  error
	at   time.Time
	seed bool // whether it is of the option "brokers"; then it counts until any broker answers
}

// reach knows which brokers cannot be used, and why; franz-go retries, and reports failures only to its log. reach implements
// hooks of franz-go's client.
type reach struct {
	network  net.Dialer
	refusal  string // why a broker may close our connections
	identity *identity.Identity
	troubled atomic.Int32 // the number of troubles, so that an answered request need not lock mu

	mu       sync.Mutex
	troubles map[string]trouble // by address
	opening  map[string]string  // what the connections that are being opened wait for, by address
	failed   func(error)
}

var (
	_ kgo.HookBrokerConnect = (*reach)(nil)
	_ kgo.HookBrokerE2E     = (*reach)(nil)
)

func newReach(network net.Dialer, refusal string) *reach {
	return &reach{network: network, refusal: refusal, troubles: make(map[string]trouble), opening: make(map[string]string)}
}

// whenFailed sets the function that is called with each failure of a broker of the cluster. It is not called for an address of
// the option "brokers", because one that works is enough.
func (r *reach) whenFailed(f func(error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = f
}

func (r *reach) waits(address, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opening[address] = what
}

// waitsFor changes what a connection that is being opened waits for. It ignores a connection in use that authenticates again.
func (r *reach) waitsFor(address, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.opening[address]; ok {
		r.opening[address] = what
	}
}

// OnBrokerConnect is called when a connection has been opened, which includes its first requests (versions and SASL), or has
// failed.
func (r *reach) OnBrokerConnect(broker kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	address := addressOf(broker)
	r.mu.Lock()
	delete(r.opening, address)
	r.mu.Unlock()
	if err != nil {
		r.note(broker, err)
	}
}

// OnBrokerE2E is called at the end of a request.
func (r *reach) OnBrokerE2E(broker kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if err := e2e.Err(); err != nil {
		r.note(broker, err)
		return
	}
	// A broker may answer the first requests of a connection and refuse all others.
	if r.troubled.Load() == 0 || key == kmsg.ApiVersions.Int16() || key == kmsg.SASLHandshake.Int16() ||
		key == kmsg.SASLAuthenticate.Int16() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.troubles, addressOf(broker))
	for address, t := range r.troubles {
		if t.seed {
			delete(r.troubles, address)
		}
	}
	r.troubled.Store(int32(len(r.troubles)))
}

func (r *reach) note(broker kgo.BrokerMetadata, err error) {
	var op *net.OpError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed), errors.Is(err, net.ErrClosed):
		return // ended by the client
	case errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &op):
		return // the deadline of a call; that of a connection is a net.OpError
	case strings.HasPrefix(err.Error(), "the broker connection has died"):
		return // the failure is known already
	}
	r.mu.Lock()
	address := addressOf(broker)
	r.troubles[address] = trouble{explained(address, err, r.refusal, r.identity.Hint()), time.Now(), broker.NodeID < 0}
	r.troubled.Store(int32(len(r.troubles)))
	failed := r.failed
	r.mu.Unlock()
	if failed != nil && broker.NodeID >= 0 {
		failed(err)
	}
}

// reason returns why brokers cannot be used at present, or nil if no reason is known.
func (r *reach) reason() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var last trouble
	for _, t := range r.troubles {
		if time.Since(t.at) < troubleLasts && t.at.After(last.at) {
			last = t
		}
	}
	if last.err != nil {
		return last.err
	}
	for address, what := range r.opening {
		return restyffi.Errorf(unreachable, "broker %s: %s", address, what)
	}
	return nil
}

func addressOf(broker kgo.BrokerMetadata) string {
	return net.JoinHostPort(broker.Host, strconv.Itoa(int(broker.Port)))
}
