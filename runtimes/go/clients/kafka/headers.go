package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// headers are the headers of a record, in order. Keys may occur twice, and a value may be missing, which is not the same as
// "". headers are decoded from a list of [key, value], [key, nil] and [key], or from a map, and encoded as a list.
type headers []kgo.RecordHeader

var errHeader = errors.New("a header must be a list of a key and a value, which may be nil")

// DecodeMsgpack allocates nothing by the length of a list, because a list may claim any length.
func (h *headers) DecodeMsgpack(d *msgpack.Decoder) error {
	code, err := d.PeekCode()
	if err != nil {
		return err
	}
	*h = nil
	if code == msgpcode.Nil {
		return d.DecodeNil()
	}
	if msgpcode.IsFixedMap(code) || code == msgpcode.Map16 || code == msgpcode.Map32 {
		return h.decodeMap(d)
	}
	n, err := d.DecodeArrayLen()
	if err != nil {
		return errors.New("must be a list or a table")
	}
	for k := range n {
		header, err := decodeHeader(d)
		if err != nil {
			return fmt.Errorf("header %d: %w", k+1, err)
		}
		*h = append(*h, header)
	}
	return nil
}

func (h *headers) decodeMap(d *msgpack.Decoder) error {
	var values map[string]string
	if err := d.Decode(&values); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		*h = append(*h, kgo.RecordHeader{Key: key, Value: []byte(values[key])})
	}
	return nil
}

func decodeHeader(d *msgpack.Decoder) (header kgo.RecordHeader, err error) {
	n, err := d.DecodeArrayLen()
	if err != nil || n < 1 || n > 2 {
		return header, errHeader
	}
	if header.Key, err = d.DecodeString(); err != nil {
		return header, errHeader
	}
	if n == 2 {
		if header.Value, err = d.DecodeBytes(); err != nil {
			return header, errHeader
		}
	}
	return header, nil
}

func (h headers) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(len(h)); err != nil {
		return err
	}
	for _, header := range h {
		if err := e.EncodeArrayLen(2); err != nil {
			return err
		}
		if err := e.EncodeString(header.Key); err != nil {
			return err
		}
		if header.Value == nil {
			if err := e.EncodeNil(); err != nil {
				return err
			}
		} else if err := e.EncodeString(string(header.Value)); err != nil {
			return err
		}
	}
	return nil
}
