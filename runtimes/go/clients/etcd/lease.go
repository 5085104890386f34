package main

import (
	"context"
	"io"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type grantRequest struct {
	TTL       int64 `msgpack:"ttl"`
	KeepAlive bool  `msgpack:"keep_alive"`
}

type leaseRequest struct {
	ID leaseID `msgpack:"id"`
}

// lease is a lease and its time to live, in seconds.
type lease struct {
	ID  leaseID `msgpack:"id"`
	TTL int64   `msgpack:"ttl"`
}

func (c *client) grant(ctx context.Context, body *grantRequest) (*lease, error) {
	r, err := c.Grant(ctx, body.TTL)
	if err != nil {
		return nil, err
	}
	if body.KeepAlive {
		go c.keepInBackground(r.ID)
	}
	return &lease{leaseID(r.ID), r.TTL}, nil
}

// keepInBackground keeps a lease alive until it is revoked, or the client is closed.
func (c *client) keepInBackground(id clientv3.LeaseID) {
	err := c.keep(c.Ctx(), id, func(int64) error { return nil })
	if c.Ctx().Err() == nil {
		c.rt.Logger().Info("A lease is not kept alive any more.", "lease", int64(id), "error", err)
	}
}

// keep renews a lease until ctx is done or the lease is gone. It calls renewed with the time to live after each renewal.
func (c *client) keep(ctx context.Context, id clientv3.LeaseID, renewed func(ttl int64) error) error {
	for {
		renewals, err := c.KeepAlive(ctx, id)
		if err != nil {
			return err
		}
		for r := range renewals {
			if err := renewed(r.TTL); err != nil {
				return err
			}
		}
		// The renewals end with ctx, with the lease, and when no server has answered within the lease's time to live.
		if _, err = c.renew(ctx, id); passes(err) {
			err = pause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// renew renews a lease once. clientv3.KeepAliveOnce would retry without a pause while no server can be reached.
func (c *client) renew(ctx context.Context, id clientv3.LeaseID) (ttl int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := pb.NewLeaseClient(c.ActiveConnection()).LeaseKeepAlive(clientv3.WithRequireLeader(ctx))
	if err != nil {
		return 0, err
	}
	if err := stream.Send(&pb.LeaseKeepAliveRequest{ID: int64(id)}); err != nil {
		return 0, err
	}
	r, err := stream.Recv()
	switch {
	case err == io.EOF:
		return 0, status.Error(codes.Internal, "etcd ended the renewal without an answer")
	case err != nil:
		return 0, err
	case r.ID != int64(id):
		return 0, wrong("the lease %d was renewed instead of %d", r.ID, id)
	case r.TTL <= 0:
		return 0, rpctypes.ErrLeaseNotFound
	}
	return r.TTL, nil
}

func (c *client) keepAliveOnce(ctx context.Context, body *leaseRequest) (*lease, error) {
	ttl, err := c.renew(ctx, clientv3.LeaseID(body.ID))
	if err != nil {
		return nil, err
	}
	return &lease{body.ID, ttl}, nil
}

type keepAliveRequest struct {
	leaseRequest
	Timeout float64 `msgpack:"timeout"` // seconds for the first renewal
}

// keepAlive serves a stream with a message for each renewal. The stream fails at once if the first renewal fails.
func (c *client) keepAlive(ctx context.Context, body *keepAliveRequest, s *pool.Stream) error {
	id := clientv3.LeaseID(body.ID)
	renewed := func(ttl int64) error { return s.Send(lease{body.ID, ttl}) }
	first, cancel := context.WithTimeout(ctx, seconds(body.Timeout, usualConnectTimeout))
	ttl, err := c.renew(first, id)
	cancel()
	if err == nil {
		err = renewed(ttl)
	}
	if err != nil {
		return err
	}
	return c.keep(ctx, id, renewed)
}

func (c *client) revoke(ctx context.Context, body *leaseRequest) (none, error) {
	_, err := c.Revoke(ctx, clientv3.LeaseID(body.ID))
	return none{}, err
}

type ttlRequest struct {
	leaseRequest
	Keys bool `msgpack:"keys"`
}

type ttlAnswer struct {
	lease
	GrantedTTL int64    `msgpack:"granted_ttl"`
	Keys       [][]byte `msgpack:"keys"` // nil unless requested
}

func (c *client) timeToLive(ctx context.Context, body *ttlRequest) (*ttlAnswer, error) {
	var options []clientv3.LeaseOption
	if body.Keys {
		options = append(options, clientv3.WithAttachedKeys())
	}
	r, err := c.TimeToLive(ctx, clientv3.LeaseID(body.ID), options...)
	switch {
	case err != nil:
		return nil, err
	case r.TTL < 0:
		return nil, rpctypes.ErrLeaseNotFound
	}
	answer := &ttlAnswer{lease: lease{body.ID, r.TTL}, GrantedTTL: r.GrantedTTL}
	if body.Keys {
		answer.Keys = append([][]byte{}, r.Keys...)
	}
	return answer, nil
}

func (c *client) leases(ctx context.Context, _ *none) ([]leaseID, error) {
	r, err := c.Leases(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]leaseID, len(r.Leases))
	for i, l := range r.Leases {
		ids[i] = leaseID(l.ID)
	}
	return ids, nil
}
