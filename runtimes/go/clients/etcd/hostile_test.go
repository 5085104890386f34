package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// hostile is a server that says what no etcd does. Its watches are at the revision 10, and go on as a test wants.
type hostile struct {
	pb.UnimplementedKVServer
	pb.UnimplementedWatchServer
	pb.UnimplementedLeaseServer
	pb.UnimplementedAuthServer
	watch func(*pb.WatchCreateRequest, pb.Watch_WatchServer) error
	put   func(context.Context) (*pb.PutResponse, error)
	login func() (*pb.AuthenticateResponse, error)
	lease func(pb.Lease_LeaseKeepAliveServer) error
}

func (h *hostile) Watch(s pb.Watch_WatchServer) error {
	r, err := s.Recv()
	if err != nil {
		return err
	}
	return h.watch(r.GetCreateRequest(), s)
}

func (h *hostile) Put(ctx context.Context, _ *pb.PutRequest) (*pb.PutResponse, error) {
	return h.put(ctx)
}

func (h *hostile) Authenticate(context.Context, *pb.AuthenticateRequest) (*pb.AuthenticateResponse, error) {
	return h.login()
}

func (h *hostile) LeaseKeepAlive(s pb.Lease_LeaseKeepAliveServer) error { return h.lease(s) }

// user is one of the hostile server.
func (h *hostile) user(t *testing.T, options ...grpc.ServerOption) *user {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	pb.RegisterKVServer(server, h)
	pb.RegisterWatchServer(server, h)
	pb.RegisterLeaseServer(server, h)
	pb.RegisterAuthServer(server, h)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return load(t, lua.Table{"endpoints": []string{l.Addr().String()}})
}

func header(revision int64) *pb.ResponseHeader { return &pb.ResponseHeader{Revision: revision} }

func created(revision int64) *pb.WatchResponse {
	return &pb.WatchResponse{Header: header(revision), Created: true, WatchId: 7}
}

// told is a message of the watch, with events of these revisions.
func told(at int64, revisions ...int64) *pb.WatchResponse {
	r := &pb.WatchResponse{Header: header(at), WatchId: 7}
	for _, revision := range revisions {
		r.Events = append(r.Events, &mvccpb.Event{Kv: &mvccpb.KeyValue{Key: []byte("a"), ModRevision: revision}})
	}
	return r
}

func changed(r *pb.WatchResponse, change func(*pb.WatchResponse)) *pb.WatchResponse {
	change(r)
	return r
}

func TestAWatchOfAServerThatDoesNotKeepToTheProtocol(t *testing.T) {
	event := func(e *mvccpb.Event) *pb.WatchResponse {
		return changed(told(12), func(r *pb.WatchResponse) { r.Events = []*mvccpb.Event{e} })
	}
	fragment := func(r *pb.WatchResponse) { r.Fragment = true }
	for name, c := range map[string]struct {
		says []*pb.WatchResponse
		code int
		text string
	}{
		"an event before the watch": {[]*pb.WatchResponse{told(11, 11)},
			15, "a message came for a watch that is not created yet"},
		"a watch without a revision": {[]*pb.WatchResponse{{Created: true}},
			15, "a watch was created at the revision 0"},
		"a watch at a negative revision": {[]*pb.WatchResponse{created(-3)},
			15, "a watch was created at the revision -3"},
		"a watch twice": {[]*pb.WatchResponse{created(10), created(10)},
			15, "a watch was created twice"},
		"another watch": {[]*pb.WatchResponse{created(10), changed(told(11, 11), func(r *pb.WatchResponse) { r.WatchId = 8 })},
			15, "a message came for the watch 8, and there is only 7"},
		"events in a wrong order": {[]*pb.WatchResponse{created(10), told(13, 13, 12)},
			15, "an event of the revision 12 came after the revision 13"},
		"messages in a wrong order": {[]*pb.WatchResponse{created(10), told(13, 13), told(13, 12)},
			15, "an event of the revision 12 came after the revision 13"},
		"an event twice": {[]*pb.WatchResponse{created(10), told(11, 11), told(11, 11)},
			15, "an event of the revision 11 came after the revision 11"},
		"an event from before the watch": {[]*pb.WatchResponse{created(10), told(11, 9)},
			15, "an event of the revision 9 came after the revision 10"},
		"an event of the future": {[]*pb.WatchResponse{created(10), told(11, 12)},
			15, "an event of the revision 12 came at the revision 11"},
		"events without a header": {[]*pb.WatchResponse{created(10), changed(told(11, 11), func(r *pb.WatchResponse) { r.Header = nil })},
			15, "an event of the revision 11 came at the revision 0"},
		"an event of nothing": {[]*pb.WatchResponse{created(10), event(&mvccpb.Event{})},
			15, "an event of the revision 0 came after the revision 10"},
		"an event of another key": {[]*pb.WatchResponse{created(10), event(&mvccpb.Event{Kv: &mvccpb.KeyValue{ModRevision: 12}})},
			15, `an event came of the key "", which is not watched`},
		"fragments in a wrong order": {[]*pb.WatchResponse{created(10), changed(told(13, 13), fragment), told(13, 12)},
			15, "an event of the revision 12 came after the revision 13"},
		"a reason that is not known": {[]*pb.WatchResponse{created(10), {WatchId: 7, Canceled: true, CancelReason: "so it is"}},
			9, "so it is"},
		"a reason with a code": {[]*pb.WatchResponse{created(10), {WatchId: 7, Canceled: true,
			CancelReason: status.Error(codes.ResourceExhausted, "too much").Error()}},
			8, "too much"},
		"a reason of etcd's": {[]*pb.WatchResponse{{WatchId: -1, Created: true, Canceled: true,
			CancelReason: rpctypes.ErrGRPCPermissionDenied.Error()}},
			7, "etcdserver: permission denied"},
		"a compaction": {[]*pb.WatchResponse{created(10), {WatchId: 7, Canceled: true, CompactRevision: 20}},
			11, "the oldest revision that can be watched is 20"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hostile{watch: func(_ *pb.WatchCreateRequest, s pb.Watch_WatchServer) error {
				for _, r := range c.says {
					if err := s.Send(r); err != nil {
						return err
					}
				}
				<-s.Context().Done()
				return nil
			}}
			w := h.user(t).open("watch", lua.Table{"key": "a"})
			_, err := w.All()
			lua.Fails(t, err, c.code, c.text)
		})
	}
}

// A watch that ends without a reason goes on, but not for ever.
func TestAWatchThatEndsAgainAndAgain(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(pb.Watch_WatchServer) error
		code int
		text string
	}{
		"without a reason": {func(s pb.Watch_WatchServer) error {
			return s.Send(&pb.WatchResponse{WatchId: 7, Canceled: true})
		}, 13, "the watch ended 5 times in a row: etcd cancelled it and gave no reason"},
		"as if it was done": {func(pb.Watch_WatchServer) error { return nil },
			13, "the watch ended 5 times in a row: etcd ended its stream and gave no reason"},
		"as if it was late": {func(pb.Watch_WatchServer) error { return status.Error(codes.DeadlineExceeded, "late") },
			4, "the watch ended 5 times in a row: late"},
		"as if we had gone": {func(pb.Watch_WatchServer) error { return status.Error(codes.Canceled, "gone") },
			1, "the watch ended 5 times in a row: gone"},
		"with an error of the server's": {func(pb.Watch_WatchServer) error { return status.Error(codes.Internal, "oh") },
			13, "the watch ended 5 times in a row: oh"},
		"with an error that stays": {func(pb.Watch_WatchServer) error { return status.Error(codes.Unimplemented, "no") },
			12, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hostile{watch: func(_ *pb.WatchCreateRequest, s pb.Watch_WatchServer) error {
				if err := s.Send(created(10)); err != nil {
					return err
				}
				return c.end(s)
			}}
			_, err := h.user(t).open("watch", lua.Table{"key": "a"}).All()
			lua.Fails(t, err, c.code, c.text)
		})
	}
}

func TestAWatchGoesOnAfterWhatItHasSeen(t *testing.T) {
	var begins []int64
	h := &hostile{watch: func(r *pb.WatchCreateRequest, s pb.Watch_WatchServer) error {
		begins = append(begins, r.StartRevision)
		next := max(r.StartRevision, 11)
		if len(begins) > 8 {
			next = 1
		}
		for _, answer := range []*pb.WatchResponse{created(10), told(100, next)} {
			if err := s.Send(answer); err != nil {
				return err
			}
		}
		return nil
	}}
	w := h.user(t).open("watch", lua.Table{"key": "a"})
	_, err := w.All()
	lua.Fails(t, err, 15, "an event of the revision 1 came after the revision 18")
	if got := fmt.Sprint(begins); got != "[0 12 13 14 15 16 17 18 19]" {
		t.Error(got)
	}
}

// garbled answers with bytes that are not a valid message.
type garbled struct{ encoding.CodecV2 }

func (garbled) Marshal(any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer("\xff\xff\xff garbage")}, nil
}

func TestAServerThatSendsGarbage(t *testing.T) {
	h := &hostile{}
	u := h.user(t, grpc.ForceServerCodecV2(garbled{encoding.GetCodecV2(proto.Name)}))
	h.watch = func(_ *pb.WatchCreateRequest, s pb.Watch_WatchServer) error { return s.Send(created(10)) }
	h.put = func(context.Context) (*pb.PutResponse, error) { return &pb.PutResponse{}, nil }
	_, err := u.open("watch", lua.Table{"key": "a"}).All()
	lua.Fails(t, err, 13, "the watch ended 5 times in a row", "unmarshal")
	_, err = u.try("put", lua.Table{"key": "a"})
	lua.Fails(t, err, 13, "unmarshal")
}

func TestAServerThatEndsACallAboutItsDeadline(t *testing.T) {
	renew := func(s pb.Lease_LeaseKeepAliveServer) error { return s.Send(&pb.LeaseKeepAliveResponse{ID: 7, TTL: 5}) }
	h := &hostile{lease: renew}
	u := h.user(t)
	u.call("keep_alive_once", lua.Table{"id": "7"}) // connects
	h.lease = func(s pb.Lease_LeaseKeepAliveServer) error {
		deadline, _ := s.Context().Deadline()
		time.Sleep(time.Until(deadline.Add(-20 * time.Millisecond)))
		return status.Error(codes.Canceled, "context canceled")
	}
	for range 3 {
		_, err := u.within(300*time.Millisecond, "keep_alive_once", lua.Table{"id": "7"})
		lua.Fails(t, err, -1, "etcd did not answer in time")
	}
}

func TestAServerThatWantsAnotherTokenEachTime(t *testing.T) {
	h := &hostile{
		put:   func(context.Context) (*pb.PutResponse, error) { return nil, rpctypes.ErrGRPCInvalidAuthToken },
		login: func() (*pb.AuthenticateResponse, error) { return &pb.AuthenticateResponse{Token: "the same"}, nil },
		watch: func(_ *pb.WatchCreateRequest, s pb.Watch_WatchServer) error {
			return s.Send(&pb.WatchResponse{Created: true, Canceled: true, CancelReason: rpctypes.ErrGRPCInvalidAuthToken.Error()})
		},
	}
	u := h.user(t).with(lua.Table{"user": "ann", "password": "first"})
	_, err := u.try("put", lua.Table{"key": "a"})
	lua.Fails(t, err, 16, "invalid auth token")
	_, err = u.open("watch", lua.Table{"key": "a"}).All()
	lua.Fails(t, err, 16, "invalid auth token")
	h.login = func() (*pb.AuthenticateResponse, error) { return nil, errors.New("it has gone mad") }
	_, err = u.try("put", lua.Table{"key": "a"})
	lua.Fails(t, err, 16, "logging in again failed", "it has gone mad")
}

func TestALeaseOfAServerThatDoesNotKeepToTheProtocol(t *testing.T) {
	h := &hostile{lease: func(s pb.Lease_LeaseKeepAliveServer) error {
		_, err := s.Recv()
		if err != nil {
			return err
		}
		return s.Send(&pb.LeaseKeepAliveResponse{ID: 99, TTL: 5})
	}}
	_, err := h.user(t).try("keep_alive_once", lua.Table{"id": "7"})
	lua.Fails(t, err, 15, "the lease 99 was renewed instead of 7")
	h.lease = func(pb.Lease_LeaseKeepAliveServer) error { return nil }
	_, err = h.user(t).try("keep_alive_once", lua.Table{"id": "7"})
	lua.Fails(t, err, 13)
}
