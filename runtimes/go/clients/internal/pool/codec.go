package pool

import (
	"bytes"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
)

func strictDecoder(text []byte) *msgpack.Decoder {
	d := msgpack.GetDecoder()
	d.Reset(bytes.NewReader(text))
	d.DisallowUnknownFields(true)
	return d
}

func decodeStrictly(text []byte, v any) error {
	d := strictDecoder(text)
	defer msgpack.PutDecoder(d)
	return d.Decode(v)
}

// usualAnswer is enough for most answers, in bytes.
const usualAnswer = 512

func encode(v any) ([]byte, error) {
	e := msgpack.GetEncoder()
	defer msgpack.PutEncoder(e)
	out := bytes.NewBuffer(make([]byte, 0, usualAnswer))
	e.Reset(out)
	e.UseCompactInts(true)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("the answer cannot be encoded: %w", err)
	}
	return out.Bytes(), nil
}
