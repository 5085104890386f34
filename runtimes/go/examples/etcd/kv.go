package main

import (
	"context"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

type putRequest struct {
	Key   *string `json:"key"`
	Value *string `json:"value"`
	Lease *string `json:"lease"`
}

func (r putRequest) op() (op clientv3.Op, err error) {
	switch {
	case r.Key == nil:
		return op, missing("key")
	case r.Value == nil:
		return op, missing("value")
	case r.Lease == nil:
		return clientv3.OpPut(*r.Key, *r.Value), nil
	}
	id, err := leaseID("lease", *r.Lease)
	return clientv3.OpPut(*r.Key, *r.Value, clientv3.WithLease(id)), err
}

// do does what a request asks for.
func do(
	ctx context.Context, client *clientv3.Client, convert func() (clientv3.Op, error),
) (done clientv3.OpResponse, err error) {
	op, err := convert()
	if err != nil {
		return done, err
	}
	return client.Do(ctx, op)
}

func put(ctx context.Context, client *clientv3.Client, r putRequest) (any, error) {
	done, err := do(ctx, client, r.op)
	if err != nil {
		return nil, err
	}
	return struct {
		Revision int64 `json:"revision"`
	}{done.Put().Header.Revision}, nil
}

type getRequest struct {
	Key      *string `json:"key"`
	Prefix   bool    `json:"prefix"`
	RangeEnd string  `json:"range_end"`
	Limit    int64   `json:"limit"`
	Revision int64   `json:"revision"`
}

func (r getRequest) op() (clientv3.Op, error) {
	key, options, err := pick(r.Key, r.Prefix, r.RangeEnd)
	return clientv3.OpGet(key, append(options, clientv3.WithLimit(r.Limit), clientv3.WithRev(r.Revision))...), err
}

type pair struct {
	Key            string `json:"key"`
	Value          string `json:"value"`
	CreateRevision int64  `json:"create_revision"`
	ModRevision    int64  `json:"mod_revision"`
	Version        int64  `json:"version"`
	Lease          string `json:"lease"`
}

type found struct {
	Count int64  `json:"count"`
	Pairs []pair `json:"kvs"`
}

func pairs(count int64, kvs []*mvccpb.KeyValue) found {
	f := found{count, make([]pair, len(kvs))}
	for i, kv := range kvs {
		f.Pairs[i] = pair{
			string(kv.Key), string(kv.Value), kv.CreateRevision, kv.ModRevision, kv.Version, leaseText(kv.Lease),
		}
	}
	return f
}

func get(ctx context.Context, client *clientv3.Client, r getRequest) (any, error) {
	done, err := do(ctx, client, r.op)
	if err != nil {
		return nil, err
	}
	return struct {
		Revision int64 `json:"revision"`
		found
	}{done.Get().Header.Revision, pairs(done.Get().Count, done.Get().Kvs)}, nil
}

type deleteRequest struct {
	Key      *string `json:"key"`
	Prefix   bool    `json:"prefix"`
	RangeEnd string  `json:"range_end"`
}

func (r deleteRequest) op() (clientv3.Op, error) {
	key, options, err := pick(r.Key, r.Prefix, r.RangeEnd)
	return clientv3.OpDelete(key, options...), err
}

func del(ctx context.Context, client *clientv3.Client, r deleteRequest) (any, error) {
	done, err := do(ctx, client, r.op)
	if err != nil {
		return nil, err
	}
	return struct {
		Revision int64 `json:"revision"`
		Deleted  int64 `json:"deleted"`
	}{done.Del().Header.Revision, done.Del().Deleted}, nil
}
