package main

import (
	"context"
	"errors"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// mostInMessage is the approximate largest size of a message with several revisions, in bytes.
const mostInMessage = 256 << 10

type watchRequest struct {
	keyRange
	Revision       int64    `msgpack:"revision"`
	PrevKV         bool     `msgpack:"prev_kv"`
	ProgressNotify bool     `msgpack:"progress_notify"`
	Filters        []string `msgpack:"filters"`
	Timeout        float64  `msgpack:"timeout"` // seconds within which etcd must create the watch
}

// watchMessage is a message of the stream of a watch. The first message has no events. Any other message without events
// reports progress.
type watchMessage struct {
	Revision int64   `msgpack:"revision"` // all events up to this revision have been sent
	Events   []event `msgpack:"events"`

	size int
}

type event struct {
	Type   string    `msgpack:"type"`
	KV     *keyValue `msgpack:"kv"`
	PrevKV *keyValue `msgpack:"prev_kv,omitempty"`
}

// watch serves a stream that sends events. For each message from the caller it asks etcd for its progress.
func (c *client) watch(ctx context.Context, body *watchRequest, s *pool.Stream) error {
	f, err := body.follower(c)
	if err != nil {
		return err
	}
	f.emit = func(revision int64, events []*mvccpb.Event) error {
		for _, m := range messagesOf(revision, events) {
			if err := s.Send(m); err != nil {
				return err
			}
		}
		return nil
	}
	go func() {
		for s.Recv(&none{}) == nil {
			f.ask()
		}
	}()
	return f.run(ctx, seconds(body.Timeout, usualConnectTimeout))
}

func (r *watchRequest) follower(c *client) (*follower, error) {
	options, err := r.options()
	if err != nil {
		return nil, err
	}
	f := c.follow(r.Key, string(clientv3.OpGet(r.Key, options...).RangeBytes()), r.Revision)
	f.request.PrevKv, f.request.ProgressNotify = r.PrevKV, r.ProgressNotify
	for _, filter := range r.Filters {
		switch filter {
		case "noput":
			f.request.Filters = append(f.request.Filters, pb.WatchCreateRequest_NOPUT)
		case "nodelete":
			f.request.Filters = append(f.request.Filters, pb.WatchCreateRequest_NODELETE)
		default:
			return nil, restyffi.Errorf(restyffi.CodeBadArgument, `"filters" may have "noput" and "nodelete", not %q`, filter)
		}
	}
	return f, nil
}

// messagesOf splits events into messages. All events of a revision are in one message.
func messagesOf(revision int64, events []*mvccpb.Event) []*watchMessage {
	m := &watchMessage{Revision: revision, Events: []event{}}
	messages := []*watchMessage{m}
	for _, e := range events {
		if at := e.Kv.ModRevision; m.size >= mostInMessage && at > m.Revision {
			m = &watchMessage{}
			messages = append(messages, m)
		}
		m.add(e)
	}
	return messages
}

func (m *watchMessage) add(e *mvccpb.Event) {
	added := event{Type: e.Type.String(), KV: keyValueOf(e.Kv), PrevKV: keyValueOf(e.PrevKv)}
	if e.Type == mvccpb.Event_DELETE {
		added.KV.noValue = true
	}
	m.Events = append(m.Events, added)
	m.Revision = e.Kv.ModRevision
	m.size += sizeOf(e)
}

// watcher makes the follower available to the locks of the etcd client.
type watcher struct{ *client }

func (w watcher) Watch(ctx context.Context, key string, options ...clientv3.OpOption) clientv3.WatchChan {
	op := clientv3.OpGet(key, options...)
	f := w.follow(key, string(op.RangeBytes()), op.Rev())
	responses := make(chan clientv3.WatchResponse)
	send := func(r clientv3.WatchResponse) error {
		select {
		case responses <- r:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.emit = func(_ int64, events []*mvccpb.Event) error { return send(clientv3.WatchResponse{Events: events}) }
	go func() {
		defer close(responses)
		if err := f.run(ctx, mostSeconds*time.Second); ctx.Err() == nil {
			_ = send(clientv3.WatchResponse{Canceled: true, CancelReason: err.Error()})
		}
	}()
	return responses
}

func (w watcher) RequestProgress(context.Context) error { return errors.ErrUnsupported }

func (w watcher) Close() error { return nil }
