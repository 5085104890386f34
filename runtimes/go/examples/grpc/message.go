package main

import (
	"bytes"
	"encoding/json"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// message is what protoc-gen-go makes: a struct whose pointer is a protobuf message.
type message[T any] interface {
	*T
	proto.Message
}

// decode reads JSON into a new message; it refuses fields that the message does not have.
func decode[T any, M message[T]](text []byte) (M, error) {
	m := M(new(T))
	name := m.ProtoReflect().Descriptor().FullName()
	if len(text) == 0 {
		return nil, restyffi.Errorf(int(codes.InvalidArgument), "a %s in JSON was expected, and nothing was sent", name)
	}
	if err := protojson.Unmarshal(text, m); err != nil {
		return nil, restyffi.Errorf(int(codes.InvalidArgument), "the message is not a %s in JSON: %v", name, err)
	}
	return m, nil
}

var names = protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}

// encode writes JSON with all fields of the message.
func encode(m proto.Message) ([]byte, error) {
	text, err := names.Marshal(m)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer // protojson puts in blanks at will, so that nobody relies on its bytes
	err = json.Compact(&compact, text)
	return compact.Bytes(), err
}

func send(s *restyffi.Stream, m proto.Message) error {
	text, err := encode(m)
	if err != nil {
		return err
	}
	return s.Send(text) // waits while the caller does not read
}
