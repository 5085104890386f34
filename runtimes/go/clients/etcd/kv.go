package main

import (
	"context"
	"errors"
	"strconv"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/vmihailenco/msgpack/v5"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// leaseID is a decimal string in Lua, because Lua's numbers have 53 bits.
type leaseID clientv3.LeaseID

func (id leaseID) EncodeMsgpack(e *msgpack.Encoder) error {
	return e.EncodeString(strconv.FormatInt(int64(id), 10))
}

func (id *leaseID) DecodeMsgpack(d *msgpack.Decoder) error {
	text, err := d.DecodeString()
	if err == nil {
		var number int64
		number, err = strconv.ParseInt(text, 10, 64)
		*id = leaseID(number)
	}
	if err != nil {
		return errors.New("the id of a lease is a string of digits, as grant returns it")
	}
	return nil
}

// keyRange is a key, or a range that begins with it.
type keyRange struct {
	Key      string `msgpack:"key"`
	Prefix   bool   `msgpack:"prefix"`
	RangeEnd string `msgpack:"range_end"`
}

func (r *keyRange) options() ([]clientv3.OpOption, error) {
	switch {
	case r.Prefix && r.RangeEnd != "":
		return nil, restyffi.Errorf(restyffi.CodeBadArgument, `"prefix" and "range_end" exclude each other`)
	case r.Prefix:
		return []clientv3.OpOption{clientv3.WithPrefix()}, nil
	case r.RangeEnd != "":
		return []clientv3.OpOption{clientv3.WithRange(r.RangeEnd)}, nil
	}
	return nil, nil
}

// keyValue is a key as Lua sees it: key, value, create_revision, mod_revision, version, and the lease, if any.
type keyValue struct {
	*mvccpb.KeyValue
	noValue bool // the value was not requested, or the key was deleted
}

// EncodeMsgpack encodes by hand: reflection takes three times as long, and most of the time of a get is spent here.
func (kv *keyValue) EncodeMsgpack(e *msgpack.Encoder) error {
	n := 6
	if kv.noValue {
		n--
	}
	if kv.Lease == 0 {
		n--
	}
	err := e.EncodeMapLen(n)
	name := func(name string) {
		if err == nil {
			err = e.EncodeString(name)
		}
	}
	text := func(field string, value []byte) {
		if name(field); err == nil {
			if err = e.EncodeBytesLen(len(value)); err == nil { // a nil value is an empty string, too
				_, err = e.Writer().Write(value)
			}
		}
	}
	number := func(field string, value int64) {
		if name(field); err == nil {
			err = e.EncodeInt(value)
		}
	}
	text("key", kv.Key)
	if !kv.noValue {
		text("value", kv.Value)
	}
	number("create_revision", kv.CreateRevision)
	number("mod_revision", kv.ModRevision)
	number("version", kv.Version)
	if kv.Lease != 0 {
		if name("lease"); err == nil {
			err = leaseID(kv.Lease).EncodeMsgpack(e)
		}
	}
	return err
}

func keyValueOf(kv *mvccpb.KeyValue) *keyValue {
	if kv == nil {
		return nil
	}
	return &keyValue{KeyValue: kv}
}

func keyValuesOf(kvs []*mvccpb.KeyValue) []*keyValue {
	list := make([]*keyValue, len(kvs))
	for i, kv := range kvs {
		list[i] = keyValueOf(kv)
	}
	return list
}

type getRequest struct {
	keyRange
	Limit             int64  `msgpack:"limit"`
	Revision          int64  `msgpack:"revision"`
	Sort              string `msgpack:"sort"`
	Descending        bool   `msgpack:"descending"`
	KeysOnly          bool   `msgpack:"keys_only"`
	CountOnly         bool   `msgpack:"count_only"`
	Serializable      bool   `msgpack:"serializable"`
	MinModRevision    int64  `msgpack:"min_mod_revision"`
	MaxModRevision    int64  `msgpack:"max_mod_revision"`
	MinCreateRevision int64  `msgpack:"min_create_revision"`
	MaxCreateRevision int64  `msgpack:"max_create_revision"`
}

// kvs is the answer of a get.
type kvs struct {
	Revision int64       `msgpack:"revision,omitempty"` // 0 in a transaction, whose answer has it
	Count    int64       `msgpack:"count"`
	More     bool        `msgpack:"more"`
	KVs      []*keyValue `msgpack:"kvs"`
}

func (c *client) get(ctx context.Context, body *getRequest) (*kvs, error) {
	options, err := body.options()
	if err != nil {
		return nil, err
	}
	r, err := c.Get(ctx, body.Key, options...)
	if err != nil {
		return nil, err
	}
	answer := body.answer(r)
	answer.Revision = r.Header.GetRevision()
	return answer, nil
}

func (r *getRequest) answer(found *clientv3.GetResponse) *kvs {
	answer := &kvs{Count: found.Count, More: found.More, KVs: keyValuesOf(found.Kvs)}
	if r.KeysOnly {
		for _, kv := range answer.KVs {
			kv.noValue = true
		}
	}
	return answer
}

var sortTargets = map[string]clientv3.SortTarget{
	"key":             clientv3.SortByKey,
	"version":         clientv3.SortByVersion,
	"create_revision": clientv3.SortByCreateRevision,
	"mod_revision":    clientv3.SortByModRevision,
	"value":           clientv3.SortByValue,
}

func (r *getRequest) options() ([]clientv3.OpOption, error) {
	options, err := r.keyRange.options()
	if err != nil {
		return nil, err
	}
	add := func(wanted bool, option clientv3.OpOption) {
		if wanted {
			options = append(options, option)
		}
	}
	add(r.Limit != 0, clientv3.WithLimit(r.Limit))
	add(r.Revision != 0, clientv3.WithRev(r.Revision))
	add(r.KeysOnly, clientv3.WithKeysOnly())
	add(r.CountOnly, clientv3.WithCountOnly())
	add(r.Serializable, clientv3.WithSerializable())
	add(r.MinModRevision != 0, clientv3.WithMinModRev(r.MinModRevision))
	add(r.MaxModRevision != 0, clientv3.WithMaxModRev(r.MaxModRevision))
	add(r.MinCreateRevision != 0, clientv3.WithMinCreateRev(r.MinCreateRevision))
	add(r.MaxCreateRevision != 0, clientv3.WithMaxCreateRev(r.MaxCreateRevision))
	if r.Sort == "" && !r.Descending {
		return options, nil
	}
	target, ok := sortTargets[r.Sort]
	if !ok && r.Sort != "" {
		return nil, restyffi.Errorf(restyffi.CodeBadArgument, `"sort" cannot be %q`, r.Sort)
	}
	order := clientv3.SortAscend
	if r.Descending {
		order = clientv3.SortDescend
	}
	return append(options, clientv3.WithSort(target, order)), nil
}

type putRequest struct {
	Key         string  `msgpack:"key"`
	Value       string  `msgpack:"value"`
	Lease       leaseID `msgpack:"lease"`
	PrevKV      bool    `msgpack:"prev_kv"`
	IgnoreValue bool    `msgpack:"ignore_value"`
	IgnoreLease bool    `msgpack:"ignore_lease"`
}

type putAnswer struct {
	Revision int64     `msgpack:"revision,omitempty"`
	PrevKV   *keyValue `msgpack:"prev_kv,omitempty"`
}

func (c *client) put(ctx context.Context, body *putRequest) (*putAnswer, error) {
	r, err := c.Put(ctx, body.Key, body.Value, body.options()...)
	if err != nil {
		return nil, err
	}
	answer := body.answer(r)
	answer.Revision = r.Header.GetRevision()
	return answer, nil
}

func (r *putRequest) answer(done *clientv3.PutResponse) *putAnswer {
	return &putAnswer{PrevKV: keyValueOf(done.PrevKv)}
}

func (r *putRequest) options() (options []clientv3.OpOption) {
	if r.Lease != 0 {
		options = append(options, clientv3.WithLease(clientv3.LeaseID(r.Lease)))
	}
	if r.PrevKV {
		options = append(options, clientv3.WithPrevKV())
	}
	if r.IgnoreValue {
		options = append(options, clientv3.WithIgnoreValue())
	}
	if r.IgnoreLease {
		options = append(options, clientv3.WithIgnoreLease())
	}
	return options
}

type deleteRequest struct {
	keyRange
	PrevKV bool `msgpack:"prev_kv"`
}

type deleteAnswer struct {
	Revision int64       `msgpack:"revision,omitempty"`
	Deleted  int64       `msgpack:"deleted"`
	PrevKVs  []*keyValue `msgpack:"prev_kvs"` // nil unless requested
}

func (c *client) delete(ctx context.Context, body *deleteRequest) (*deleteAnswer, error) {
	options, err := body.options()
	if err != nil {
		return nil, err
	}
	r, err := c.Delete(ctx, body.Key, options...)
	if err != nil {
		return nil, err
	}
	answer := body.answer(r)
	answer.Revision = r.Header.GetRevision()
	return answer, nil
}

func (r *deleteRequest) answer(done *clientv3.DeleteResponse) *deleteAnswer {
	answer := &deleteAnswer{Deleted: done.Deleted}
	if r.PrevKV {
		answer.PrevKVs = keyValuesOf(done.PrevKvs)
	}
	return answer
}

func (r *deleteRequest) options() ([]clientv3.OpOption, error) {
	options, err := r.keyRange.options()
	if r.PrevKV {
		options = append(options, clientv3.WithPrevKV())
	}
	return options, err
}

type compactRequest struct {
	Revision int64 `msgpack:"revision"`
	Physical bool  `msgpack:"physical"`
}

// none is an empty request or answer.
type none struct{}

func (c *client) compact(ctx context.Context, body *compactRequest) (none, error) {
	var options []clientv3.CompactOption
	if body.Physical {
		options = append(options, clientv3.WithCompactPhysical())
	}
	_, err := c.Compact(ctx, body.Revision, options...)
	return none{}, err
}
