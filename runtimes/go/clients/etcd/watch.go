package main

import (
	"context"
	"sync/atomic"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// mostPending is how many bytes of events wait for Lua to take them. With more of them, etcd keeps what follows.
	mostPending = 1 << 20
	// mostInMessage is about how large a message with several revisions becomes.
	mostInMessage = 256 << 10
)

type watchRequest struct {
	keyRange
	Revision       int64    `msgpack:"revision"`
	PrevKV         bool     `msgpack:"prev_kv"`
	ProgressNotify bool     `msgpack:"progress_notify"`
	Filters        []string `msgpack:"filters"`
	Timeout        float64  `msgpack:"timeout"` // seconds until a watch that etcd has not created is given up
}

// watchMessage is what the stream of a watch sends. The first one has no events; another one without is a notice of
// progress.
type watchMessage struct {
	Revision int64   `msgpack:"revision"` // all events up to it have been sent
	Events   []event `msgpack:"events"`

	size int
}

type event struct {
	Type   string    `msgpack:"type"`
	KV     *keyValue `msgpack:"kv"`
	PrevKV *keyValue `msgpack:"prev_kv,omitempty"`
}

// watcher carries the events of one watch from etcd to Lua. The etcd client keeps all that has come and was not taken,
// however much that is, and has no way to slow etcd down. So the watcher takes what comes at once. If too much waits
// for Lua, it ends the watch, and begins another one after what it has: meanwhile the events stay with etcd.
type watcher struct {
	c       *client
	body    *watchRequest
	options []clientv3.OpOption

	created bool
	next    int64 // the revision from which another watch would have to go on; 0: what comes from now on
	seen    int64 // the revision whose events were the last that came
	pending []*watchMessage
	size    int   // of what is pending
	err     error // why there will be no more events

	cancel    context.CancelFunc      // ends the watch that runs
	opened    chan clientv3.WatchChan // gives the channel of a watch that is being created
	responses clientv3.WatchChan      // nil while there is none
	again     <-chan time.Time        // when to begin another watch
	asked     atomic.Int64            // requests for progress that were not answered yet
}

func (c *client) watch(ctx context.Context, body *watchRequest, s *pool.Stream) error {
	w := &watcher{c: c, body: body, next: body.Revision, cancel: func() {}}
	if err := w.prepare(); err != nil {
		return err
	}
	ctx = clientv3.WithRequireLeader(ctx)
	defer func() { w.cancel() }()
	go w.serveRequests(ctx, s)
	return w.run(ctx, s)
}

func (w *watcher) prepare() error {
	options, err := w.body.options()
	if err != nil {
		return err
	}
	options = append(options, clientv3.WithCreatedNotify(), clientv3.WithFragment())
	if w.body.PrevKV {
		options = append(options, clientv3.WithPrevKV())
	}
	if w.body.ProgressNotify {
		options = append(options, clientv3.WithProgressNotify())
	}
	for _, filter := range w.body.Filters {
		switch filter {
		case "noput":
			options = append(options, clientv3.WithFilterPut())
		case "nodelete":
			options = append(options, clientv3.WithFilterDelete())
		default:
			return restyffi.Errorf(restyffi.CodeBadArgument, `"filters" may have "noput" and "nodelete", not %q`, filter)
		}
	}
	w.options = options
	return nil
}

// run returns when there is nothing more to send, or nobody to send it to.
func (w *watcher) run(ctx context.Context, s *pool.Stream) error {
	messages := make(chan *watchMessage)
	sent := make(chan error, 1)
	go func() { sent <- sendAll(s, messages) }()
	late := time.NewTimer(seconds(w.body.Timeout, usualDialTimeout))
	defer late.Stop()

	w.begin(ctx)
	for w.err == nil || len(w.pending) > 0 {
		var head *watchMessage
		var out chan<- *watchMessage
		if len(w.pending) > 0 {
			head, out = w.pending[0], messages
		}
		select {
		case out <- head:
			w.taken(ctx)
		case w.responses = <-w.opened:
		case r, ok := <-w.responses:
			w.received(r, ok)
		case <-w.again:
			w.begin(ctx)
		case err := <-sent:
			return err
		case <-late.C:
			if !w.created {
				return context.DeadlineExceeded
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	close(messages)
	if err := <-sent; err != nil {
		return err
	}
	return w.err
}

func sendAll(s *pool.Stream, messages <-chan *watchMessage) error {
	for m := range messages {
		if err := s.Send(m); err != nil {
			return err
		}
	}
	return nil
}

// begin begins a watch of what has not come yet.
func (w *watcher) begin(ctx context.Context) {
	w.cancel()
	ctx, w.cancel = context.WithCancel(ctx)
	opened := make(chan clientv3.WatchChan, 1)
	w.opened, w.responses, w.again = opened, nil, nil
	options := w.options
	if w.next > 0 {
		options = append(options[:len(options):len(options)], clientv3.WithRev(w.next))
	}
	// Watch waits until etcd has created the watch, also while no server is to be reached.
	go func() { opened <- w.c.Watch(ctx, w.body.Key, options...) }()
}

// end ends the watch that runs.
func (w *watcher) end() {
	w.cancel()
	w.opened, w.responses = nil, nil
}

func (w *watcher) received(r clientv3.WatchResponse, ok bool) {
	switch err := r.Err(); {
	case !ok, err != nil && r.CompactRevision == 0 && passes(err):
		w.end()
		w.again = time.After(retryPause)
	case r.CompactRevision != 0:
		w.end()
		w.err = compacted(r.CompactRevision)
	case err != nil:
		w.end()
		w.err = err
	case r.Created:
		w.established(r.Header.GetRevision())
	case r.IsProgressNotify():
		w.progressed(r.Header.GetRevision())
	default:
		w.add(r.Events)
	}
}

func compacted(oldest int64) error {
	code, text := statusOf(rpctypes.ErrCompacted)
	return restyffi.Errorf(int(code), "%s; the oldest revision that can be watched is %d", text, oldest)
}

// established tells Lua once that events come from now on, those after revision if it has not asked for older ones.
func (w *watcher) established(revision int64) {
	if w.created {
		return
	}
	w.created = true
	if w.next == 0 {
		w.next = revision + 1
	}
	w.seen = w.next - 1
	w.push(&watchMessage{Revision: w.next - 1, Events: []event{}})
}

func (w *watcher) progressed(revision int64) {
	w.next = max(w.next, revision+1)
	if w.body.ProgressNotify || w.asked.Load() > 0 {
		if w.asked.Load() > 0 {
			w.asked.Add(-1)
		}
		w.push(&watchMessage{Revision: w.next - 1, Events: []event{}})
	}
}

// add makes messages of events, each with all events of its revisions. Those that have come already are left out: after
// a connection broke, the etcd client begins with the last revision again that it knows of.
func (w *watcher) add(events []*clientv3.Event) {
	m := &watchMessage{}
	for _, e := range events {
		revision := e.Kv.GetModRevision()
		if revision <= w.seen {
			continue
		}
		if m.size >= mostInMessage && revision > m.Revision {
			w.push(m)
			m = &watchMessage{}
		}
		m.add(e, revision)
	}
	if len(m.Events) > 0 {
		w.seen, w.next = m.Revision, m.Revision+1
		w.push(m)
	}
	if w.size > mostPending {
		w.end() // until Lua has taken what is pending
	}
}

func (m *watchMessage) add(e *clientv3.Event, revision int64) {
	added := event{Type: e.Type.String(), KV: keyValueOf(e.Kv), PrevKV: keyValueOf(e.PrevKv)}
	if e.Type == clientv3.EventTypeDelete {
		added.KV.noValue = true
	}
	m.Events = append(m.Events, added)
	m.Revision = revision
	m.size += 100 + len(e.Kv.GetKey()) + len(e.Kv.GetValue()) + len(e.PrevKv.GetKey()) + len(e.PrevKv.GetValue())
}

func (w *watcher) push(m *watchMessage) {
	w.pending = append(w.pending, m)
	w.size += m.size
}

// taken is called when the first message that was pending is being sent.
func (w *watcher) taken(ctx context.Context) {
	w.size -= w.pending[0].size
	w.pending[0] = nil
	w.pending = w.pending[1:]
	if len(w.pending) == 0 && w.responses == nil && w.opened == nil && w.again == nil && w.err == nil {
		w.begin(ctx)
	}
}

// serveRequests asks etcd for progress for each message that Lua sends.
func (w *watcher) serveRequests(ctx context.Context, s *pool.Stream) {
	for s.Recv(&none{}) == nil {
		w.asked.Add(1)
		// If that fails, the watch is being begun anew, and Lua waits for the answer as long as it wants.
		_ = w.c.RequestProgress(ctx)
	}
}
