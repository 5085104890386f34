package main

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

type grantRequest struct {
	TTL *int64 `json:"ttl"` // in seconds
}

type lease struct {
	ID  string `json:"id"`
	TTL int64  `json:"ttl"`
}

func leaseGrant(ctx context.Context, client *clientv3.Client, r grantRequest) (any, error) {
	if r.TTL == nil {
		return nil, missing("ttl")
	}
	if *r.TTL < 1 {
		return nil, invalid(`"ttl" must be a second or more, not %d`, *r.TTL)
	}
	granted, err := client.Grant(ctx, *r.TTL)
	if err != nil {
		return nil, err
	}
	return lease{leaseText(granted.ID), granted.TTL}, nil
}

type leaseRequest struct {
	ID *string `json:"id"`
}

func (r leaseRequest) id() (clientv3.LeaseID, error) {
	if r.ID == nil {
		return 0, missing("id")
	}
	return leaseID("id", *r.ID)
}

func leaseRevoke(ctx context.Context, client *clientv3.Client, r leaseRequest) (any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	_, err = client.Revoke(ctx, id)
	return struct{}{}, err
}

// leaseKeepAlive renews a lease until the caller closes the stream. clientv3's KeepAlive would do so by itself, but not
// say why it ends: here a lease that is gone is an error, and one whose etcd is down goes on.
func leaseKeepAlive(ctx context.Context, client *clientv3.Client, r leaseRequest, send func(any) error) error {
	id, err := r.id()
	if err != nil {
		return err
	}
	for {
		renewed, err := client.KeepAliveOnce(ctx, id)
		if err != nil {
			return err
		}
		if err := send(lease{leaseText(renewed.ID), renewed.TTL}); err != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(renewed.TTL) * time.Second / 3):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
