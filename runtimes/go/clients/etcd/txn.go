package main

import (
	"context"
	"errors"
	"fmt"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// comparison is a condition of a transaction, on a key or on all keys of a range.
type comparison struct {
	keyRange
	Target string  `msgpack:"target"`
	Result string  `msgpack:"result"`
	Value  string  `msgpack:"value"`  // of the target "value"
	Number int64   `msgpack:"number"` // of the others
	Lease  leaseID `msgpack:"lease"`  // of the target "lease"
}

// operation has exactly one of its fields set.
type operation struct {
	Put    *putRequest    `msgpack:"put"`
	Get    *getRequest    `msgpack:"get"`
	Delete *deleteRequest `msgpack:"delete"`
	Txn    *txnRequest    `msgpack:"txn"`
}

type txnRequest struct {
	Compare []comparison `msgpack:"compare"`
	Success []operation  `msgpack:"success"`
	Failure []operation  `msgpack:"failure"`
}

// txnAnswer has a response for each executed operation: the answer of the method with the operation's name.
type txnAnswer struct {
	Revision  int64 `msgpack:"revision,omitempty"`
	Succeeded bool  `msgpack:"succeeded"`
	Responses []any `msgpack:"responses"`
}

func (c *client) txn(ctx context.Context, body *txnRequest) (*txnAnswer, error) {
	compare, success, failure, err := body.parts()
	if err != nil {
		return nil, err
	}
	r, err := c.Txn(ctx).If(compare...).Then(success...).Else(failure...).Commit()
	if err != nil {
		return nil, err
	}
	answer := body.answer(r)
	answer.Revision = r.Header.GetRevision()
	return answer, nil
}

func (t *txnRequest) parts() (compare []clientv3.Cmp, success, failure []clientv3.Op, err error) {
	for i := range t.Compare {
		condition, err := t.Compare[i].condition()
		if err != nil {
			return nil, nil, nil, named("compare", i, err)
		}
		compare = append(compare, condition)
	}
	if success, err = opsOf("success", t.Success); err == nil {
		failure, err = opsOf("failure", t.Failure)
	}
	return compare, success, failure, err
}

func opsOf(name string, operations []operation) ([]clientv3.Op, error) {
	ops := make([]clientv3.Op, len(operations))
	for i := range operations {
		op, err := operations[i].op()
		if err != nil {
			return nil, named(name, i, err)
		}
		ops[i] = op
	}
	return ops, nil
}

func named(list string, i int, err error) error {
	return restyffi.Errorf(restyffi.CodeBadArgument, "%s[%d]: %v", list, i+1, err)
}

func (o *operation) op() (clientv3.Op, error) {
	switch {
	case o.Put != nil:
		return clientv3.OpPut(o.Put.Key, o.Put.Value, o.Put.options()...), nil
	case o.Get != nil:
		options, err := o.Get.options()
		return clientv3.OpGet(o.Get.Key, options...), err
	case o.Delete != nil:
		options, err := o.Delete.options()
		return clientv3.OpDelete(o.Delete.Key, options...), err
	case o.Txn != nil:
		compare, success, failure, err := o.Txn.parts()
		return clientv3.OpTxn(compare, success, failure), err
	}
	return clientv3.Op{}, errors.New("an operation is a put, a get, a delete or a txn")
}

var compareResults = map[string]bool{"=": true, "!=": true, ">": true, "<": true}

func (c *comparison) condition() (clientv3.Cmp, error) {
	if !compareResults[c.Result] {
		return clientv3.Cmp{}, fmt.Errorf(`the operator must be one of =, !=, >, <, not %q`, c.Result)
	}
	condition, err := c.target()
	switch {
	case err != nil:
		return condition, err
	case c.Prefix && c.RangeEnd != "":
		return condition, errors.New(`"prefix" and "range_end" exclude each other`)
	case c.Prefix:
		condition = condition.WithPrefix()
	case c.RangeEnd != "":
		condition = condition.WithRange(c.RangeEnd)
	}
	return condition, nil
}

func (c *comparison) target() (clientv3.Cmp, error) {
	switch c.Target {
	case "value":
		return clientv3.Compare(clientv3.Value(c.Key), c.Result, c.Value), nil
	case "version":
		return clientv3.Compare(clientv3.Version(c.Key), c.Result, c.Number), nil
	case "create_revision":
		return clientv3.Compare(clientv3.CreateRevision(c.Key), c.Result, c.Number), nil
	case "mod_revision":
		return clientv3.Compare(clientv3.ModRevision(c.Key), c.Result, c.Number), nil
	case "lease":
		return clientv3.Compare(clientv3.LeaseValue(c.Key), c.Result, int64(c.Lease)), nil
	}
	return clientv3.Cmp{}, fmt.Errorf("nothing can be compared with %q", c.Target)
}

func (t *txnRequest) answer(done *clientv3.TxnResponse) *txnAnswer {
	operations := t.Failure
	if done.Succeeded {
		operations = t.Success
	}
	answer := &txnAnswer{Succeeded: done.Succeeded, Responses: make([]any, len(done.Responses))}
	for i, response := range done.Responses {
		answer.Responses[i] = operations[i].answer(response)
	}
	return answer
}

func (o *operation) answer(response *pb.ResponseOp) any {
	switch {
	case o.Put != nil:
		return o.Put.answer((*clientv3.PutResponse)(response.GetResponsePut()))
	case o.Get != nil:
		return o.Get.answer((*clientv3.GetResponse)(response.GetResponseRange()))
	case o.Delete != nil:
		return o.Delete.answer((*clientv3.DeleteResponse)(response.GetResponseDeleteRange()))
	}
	return o.Txn.answer((*clientv3.TxnResponse)(response.GetResponseTxn()))
}
