package main

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
)

type watchRequest struct {
	Key      *string `json:"key"`
	Prefix   bool    `json:"prefix"`
	RangeEnd string  `json:"range_end"`
	Revision int64   `json:"revision"`
}

type event struct {
	Type        string `json:"type"`
	Key         string `json:"key"`
	Value       string `json:"value"`
	ModRevision int64  `json:"mod_revision"`
}

// watch sends each change until the caller closes the stream. When etcd has been away, clientv3 goes on at the revision
// after the last one that it has seen.
func watch(ctx context.Context, client *clientv3.Client, r watchRequest, send func(any) error) error {
	key, options, err := pick(r.Key, r.Prefix, r.RangeEnd)
	if err != nil {
		return err
	}
	for changes := range client.Watch(ctx, key, append(options, clientv3.WithRev(r.Revision))...) {
		if err := changes.Err(); err != nil {
			return err
		}
		for _, e := range changes.Events {
			kind := "put"
			if e.Type == clientv3.EventTypeDelete {
				kind = "delete"
			}
			if err := send(event{kind, string(e.Kv.Key), string(e.Kv.Value), e.Kv.ModRevision}); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}
