package main

import (
	"context"
	"encoding/json"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// A txnRequest does the operations of Success if all comparisons hold, else those of Failure.
type txnRequest struct {
	Compare []comparison `json:"compare"`
	Success []operation  `json:"success"`
	Failure []operation  `json:"failure"`
}

type comparison struct {
	Key    *string         `json:"key"`
	Target string          `json:"target"`
	Result string          `json:"result"`
	Value  json.RawMessage `json:"value"` // a string if the target is the value, else a number
}

func (c comparison) cmp() (cmp clientv3.Cmp, err error) {
	if c.Key == nil {
		return cmp, missing("compare.key")
	}
	if !slices.Contains([]string{"=", "!=", ">", "<"}, c.Result) {
		return cmp, invalid(`"compare.result" must be =, !=, > or <, not %q`, c.Result)
	}
	if c.Value == nil {
		return cmp, missing("compare.value")
	}
	if c.Target == "value" {
		var text *string
		if json.Unmarshal(c.Value, &text) != nil || text == nil {
			return cmp, invalid(`"compare.value" must be a string, not %s`, c.Value)
		}
		return clientv3.Compare(clientv3.Value(*c.Key), c.Result, *text), nil
	}
	switch c.Target {
	case "version":
		cmp = clientv3.Version(*c.Key)
	case "create_revision":
		cmp = clientv3.CreateRevision(*c.Key)
	case "mod_revision":
		cmp = clientv3.ModRevision(*c.Key)
	default:
		return cmp, invalid(`"compare.target" must be value, version, create_revision or mod_revision, not %q`, c.Target)
	}
	var number *int64
	if json.Unmarshal(c.Value, &number) != nil || number == nil {
		return cmp, invalid(`"compare.value" must be a whole number, not %s`, c.Value)
	}
	return clientv3.Compare(cmp, c.Result, *number), nil
}

// An operation is one of the three.
type operation struct {
	Put    *putRequest    `json:"put"`
	Get    *getRequest    `json:"get"`
	Delete *deleteRequest `json:"delete"`
}

func (o operation) op() (clientv3.Op, error) {
	switch {
	case o.Put != nil && o.Get == nil && o.Delete == nil:
		return o.Put.op()
	case o.Put == nil && o.Get != nil && o.Delete == nil:
		return o.Get.op()
	case o.Put == nil && o.Get == nil && o.Delete != nil:
		return o.Delete.op()
	}
	return clientv3.Op{}, invalid(`each of "success" and "failure" must have one of "put", "get" and "delete"`)
}

// each converts all of a list, or fails with the first that is wrong.
func each[From, To any](list []From, convert func(From) (To, error)) ([]To, error) {
	converted := make([]To, len(list))
	for i, from := range list {
		var err error
		if converted[i], err = convert(from); err != nil {
			return nil, err
		}
	}
	return converted, nil
}

func txn(ctx context.Context, client *clientv3.Client, r txnRequest) (any, error) {
	compare, err := each(r.Compare, comparison.cmp)
	if err != nil {
		return nil, err
	}
	success, err := each(r.Success, operation.op)
	if err != nil {
		return nil, err
	}
	otherwise, err := each(r.Failure, operation.op)
	if err != nil {
		return nil, err
	}
	done, err := client.Txn(ctx).If(compare...).Then(success...).Else(otherwise...).Commit()
	if err != nil {
		return nil, err
	}
	responses := make([]any, len(done.Responses))
	for i, r := range done.Responses {
		if get := r.GetResponseRange(); get != nil {
			responses[i] = map[string]found{"get": pairs(get.Count, get.Kvs)}
		} else if del := r.GetResponseDeleteRange(); del != nil {
			responses[i] = map[string]any{"delete": map[string]int64{"deleted": del.Deleted}}
		} else {
			responses[i] = map[string]any{"put": struct{}{}}
		}
	}
	return struct {
		Revision  int64 `json:"revision"`
		Succeeded bool  `json:"succeeded"`
		Responses []any `json:"responses"`
	}{done.Header.Revision, done.Succeeded, responses}, nil
}
