package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

const (
	// mostInterruptions is how often in a row a watch may end for a reason other than a server that goes away.
	mostInterruptions = 5
	// lasting is the duration after which a stream counts as useful even without events.
	lasting = 10 * time.Second
	// anyWatch is the watch id in an answer to a request for progress.
	anyWatch = -1
)

// follower follows a watch over as many streams as necessary. Each stream carries only this watch. The etcd client puts many
// watches on one stream: the reason for the end of a watch can then get lost or be attributed to another watch, and events
// that are not consumed fill the memory. Here flow control keeps them at etcd.
type follower struct {
	c       *client
	request *pb.WatchCreateRequest
	// emit is called once without events when the watch exists, and then with all events of one or more revisions, or without
	// events to report progress.
	emit func(revision int64, events []*mvccpb.Event) error

	next      int64 // the revision from which the next stream continues; 0 means from now on
	announced bool  // whether emit has been called

	// State of the current stream:
	created bool
	id      int64
	useful  bool            // it has delivered something new
	latest  int64           // the revision of its last event
	partial []*mvccpb.Event // events of that revision, which may be incomplete
	size    int             // size of the events of that revision

	mu     sync.Mutex
	stream pb.Watch_WatchClient // nil while there is no watch
	asked  int                  // the number of unanswered requests for progress
}

// The errors of a watch that etcd cancels without a reason, and of a watch whose stream etcd ends without an error.
var (
	errNoReason = errors.New("etcd cancelled it and gave no reason")
	errNoEnd    = errors.New("etcd ended its stream and gave no reason")
)

// follow makes a follower of a key, or of the keys up to end, in the client's namespace.
func (c *client) follow(key, end string, revision int64) *follower {
	request := &pb.WatchCreateRequest{Key: []byte(c.namespace + key), RangeEnd: []byte(end), Fragment: true}
	switch {
	case len(request.Key) == 0:
		request.Key = []byte{0} // the smallest key
	case c.namespace == "" || end == "":
	case end == "\x00":
		request.RangeEnd = []byte(clientv3.GetPrefixRangeEnd(c.namespace))
	default:
		request.RangeEnd = []byte(c.namespace + end)
	}
	return &follower{c: c, request: request, next: revision}
}

// run follows the watch until it ends, and returns why. It gives up if etcd has not created the watch within patience.
func (f *follower) run(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithCancelCause(clientv3.WithRequireLeader(ctx))
	defer cancel(nil)
	late := time.AfterFunc(patience, func() { cancel(context.DeadlineExceeded) })
	defer late.Stop()

	var reason error // why the last stream ended
	denied := false  // whether a token was requested since the last watch was created
	for interruptions := 0; interruptions < mostInterruptions; {
		began, token := time.Now(), f.c.login.current()
		err := f.once(ctx, late)
		if f.created {
			denied = false
		}
		switch {
		case ctx.Err() != nil && reason != nil && !f.announced:
			return definite(reason)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case f.c.login != nil && !denied && !f.created && denies(err):
			// Some versions of etcd report a token that is no longer valid as a missing permission.
			failed := f.c.login.again(ctx, token, err)
			if failed != nil && !passes(failed) && !interrupts(failed) {
				return failed
			}
			denied = failed == nil
		case passes(err):
		case !interrupts(err):
			return err
		case f.useful || time.Since(began) > lasting:
			interruptions = 1
		default:
			interruptions++
		}
		reason = err
		if pause(ctx) != nil {
			return context.Cause(ctx)
		}
	}
	end := definite(reason)
	return restyffi.Errorf(end.Code, "the watch ended %d times in a row: %s", mostInterruptions, end.Message)
}

// definite returns the error of a watch that does not continue. Its code is a gRPC status, because Lua continues after
// TIMEOUT.
func definite(reason error) *restyffi.Error {
	code, text := statusOf(reason)
	if code == codes.OK {
		code = codes.Internal
	}
	return restyffi.Errorf(int(code), "%s", text)
}

// interrupts reports whether another stream may succeed although the server is reachable: the server is stopping, or
// something between has ended the stream.
func interrupts(err error) bool {
	if err == errNoEnd || err == errNoReason {
		return true
	}
	switch code, _ := statusOf(err); code {
	case codes.Canceled, codes.Internal, codes.Unknown, codes.Aborted, codes.DeadlineExceeded:
		return true
	}
	return false
}

func denies(err error) bool {
	code, _ := statusOf(err)
	return code == codes.PermissionDenied || code == codes.Unauthenticated || refusesToken(err)
}

// once follows the watch on one stream.
func (f *follower) once(ctx context.Context, late *time.Timer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.created, f.useful, f.latest, f.partial, f.size = false, false, 0, nil, 0
	defer f.connected(nil)

	stream, err := pb.NewWatchClient(f.c.ActiveConnection()).Watch(ctx, grpc.WaitForReady(true),
		grpc.MaxCallRecvMsgSize(f.c.maxReceiveBytes))
	if err != nil {
		return err
	}
	f.request.StartRevision = f.next
	// If this fails, Recv returns the reason.
	_ = stream.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: f.request}})
	for {
		r, err := stream.Recv()
		if err == io.EOF {
			return errNoEnd
		}
		if err == nil {
			err = f.received(r)
		}
		if err != nil {
			return err
		}
		if r.Created {
			late.Stop()
			f.connected(stream)
		}
	}
}

func (f *follower) received(r *pb.WatchResponse) error {
	revision := r.GetHeader().GetRevision()
	switch {
	case r.CompactRevision != 0:
		return compacted(r.CompactRevision)
	case r.Canceled:
		return cancelled(r.CancelReason)
	case r.Created && f.created:
		return wrong("a watch was created twice")
	case r.Created:
		return f.established(r.WatchId, revision)
	case !f.created:
		return wrong("a message came for a watch that is not created yet")
	case r.WatchId == anyWatch && len(r.Events) == 0:
		return f.answered(revision)
	case r.WatchId != f.id:
		return wrong("a message came for the watch %d, and there is only %d", r.WatchId, f.id)
	case len(r.Events) == 0 && !r.Fragment && f.partial == nil:
		f.useful = true
		f.next = max(f.next, revision+1)
		return f.emit(f.next-1, nil)
	}
	return f.add(r, revision)
}

func (f *follower) established(id, revision int64) error {
	if revision <= 0 {
		return wrong("a watch was created at the revision %d", revision)
	}
	f.created, f.id = true, id
	if f.next == 0 {
		f.next = revision + 1
	}
	if f.announced {
		return nil
	}
	f.announced = true
	return f.emit(f.next-1, nil)
}

// connected sets the stream to which requests for progress go. With nil, the follower sends no such requests.
func (f *follower) connected(stream pb.Watch_WatchClient) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stream = stream
	if stream != nil && f.asked > 0 {
		f.asked = 1
		f.sendProgress()
	}
}

// ask asks etcd for progress, now or when the next stream exists.
func (f *follower) ask() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.stream != nil {
		f.sendProgress()
	}
}

func (f *follower) sendProgress() {
	// If this fails, the stream has ended, and the next stream gets the request.
	_ = f.stream.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_ProgressRequest{ProgressRequest: &pb.WatchProgressRequest{}}})
}

// answered reports requested progress. The next stream does not continue from there: etcd before 3.4.25 and 3.5.8 may answer
// before it has sent earlier events.
func (f *follower) answered(revision int64) error {
	f.mu.Lock()
	f.asked = max(0, f.asked-1)
	f.mu.Unlock()
	return f.emit(max(revision, f.next-1), nil)
}

// add adds events and emits those of complete revisions.
func (f *follower) add(r *pb.WatchResponse, revision int64) error {
	for _, e := range r.Events {
		if err := f.check(e, revision); err != nil {
			return err
		}
	}
	events := append(f.partial, r.Events...)
	complete := len(events)
	for r.Fragment && complete > 0 && events[complete-1].Kv.ModRevision == f.latest {
		complete--
	}
	f.partial = append([]*mvccpb.Event(nil), events[complete:]...)
	if complete == 0 {
		return nil
	}
	f.useful = true
	f.next = events[complete-1].Kv.ModRevision + 1
	return f.emit(f.next-1, events[:complete])
}

// check checks that an event is possible now, and removes the namespace from its key.
func (f *follower) check(e *mvccpb.Event, revision int64) error {
	at := e.GetKv().GetModRevision()
	switch {
	case at < f.next || at < f.latest:
		return wrong("an event of the revision %d came after the revision %d", at, max(f.next-1, f.latest))
	case at > revision:
		return wrong("an event of the revision %d came at the revision %d", at, revision)
	case !f.watches(e.Kv.Key):
		return wrong("an event came of the key %q, which is not watched", e.Kv.Key)
	}
	if at > f.latest {
		f.size = 0
	}
	f.latest = at
	if f.size += sizeOf(e); f.size > f.c.maxReceiveBytes {
		return restyffi.Errorf(int(codes.ResourceExhausted),
			"the events of the revision %d are more than max_receive_bytes, %d", at, f.c.maxReceiveBytes)
	}
	e.Kv.Key = e.Kv.Key[len(f.c.namespace):]
	if e.PrevKv != nil {
		e.PrevKv.Key = e.Kv.Key
	}
	return nil
}

func (f *follower) watches(key []byte) bool {
	begin, end := f.request.Key, f.request.RangeEnd
	switch {
	case len(end) == 0:
		return bytes.Equal(key, begin)
	case len(end) == 1 && end[0] == 0:
		return bytes.Compare(key, begin) >= 0
	}
	return bytes.Compare(key, begin) >= 0 && bytes.Compare(key, end) < 0
}

func sizeOf(e *mvccpb.Event) int {
	return 100 + len(e.Kv.GetKey()) + len(e.Kv.GetValue()) + len(e.PrevKv.GetKey()) + len(e.PrevKv.GetValue())
}

func compacted(oldest int64) error {
	code, text := statusOf(rpctypes.ErrCompacted)
	return restyffi.Errorf(int(code), "%s; the oldest revision that can be watched is %d", text, oldest)
}

// cancelled returns the error of a watch that etcd has cancelled. The reason is the text of an error, usually of a gRPC
// status.
func cancelled(reason string) error {
	if reason == "" {
		return errNoReason
	}
	code := codes.FailedPrecondition
	if name, text, ok := strings.Cut(strings.TrimPrefix(reason, "rpc error: code = "), " desc = "); ok {
		for known := codes.OK + 1; known <= codes.Unauthenticated; known++ {
			if known.String() == name {
				code, reason = known, text
			}
		}
	}
	var etcd rpctypes.EtcdError
	if errors.As(rpctypes.Error(errors.New(reason)), &etcd) {
		code = etcd.Code()
	}
	return restyffi.Errorf(int(code), "%s", reason)
}
