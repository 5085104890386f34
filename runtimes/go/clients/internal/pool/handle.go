package pool

import (
	"context"
	"errors"
	"fmt"
	"os"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/vmihailenco/msgpack/v5"
)

// Handle serves the calls of a method. f gets the client that the request names and the decoded body. Its result is encoded. B
// and A are structs with msgpack tags. Unknown fields of a body are an error.
func Handle[O any, C Client, B, A any](p *Pool[O, C], method string, f func(context.Context, C, *B) (A, error)) {
	p.rt.Handle(method, func(ctx context.Context, request []byte) ([]byte, error) {
		growStack()
		body := new(B)
		client, release, err := p.open(ctx, request, body)
		if err != nil {
			return nil, err
		}
		defer release()
		answer, err := f(ctx, client, body)
		if err != nil {
			return nil, err
		}
		return encode(answer)
	})
}

// growStack makes the stack as large at once as a client library needs it. When a call waits, the next one runs on a new
// goroutine, whose stack would grow in steps and be copied each time, which is a tenth of the cost of a call.
//
//go:noinline
func growStack() byte {
	var room [9 << 10]byte
	return room[len(os.Args)]
}

// A Stream is a stream of encoded messages.
type Stream struct {
	stream  *restyffi.Stream
	invalid int
}

// HandleStream serves the streams of a method. f gets the client and the body of the first message.
func HandleStream[O any, C Client, B any](p *Pool[O, C], method string,
	f func(context.Context, C, *B, *Stream) error) {
	p.rt.HandleStream(method, func(ctx context.Context, stream *restyffi.Stream) error {
		first, err := stream.Recv()
		if err != nil {
			return err
		}
		body := new(B)
		client, release, err := p.open(ctx, first, body)
		if err != nil {
			return err
		}
		defer release()
		return f(ctx, client, body, &Stream{stream, p.invalid})
	})
}

// Send sends a message; it waits while the caller does not read.
func (s *Stream) Send(message any) error {
	encoded, err := encode(message)
	if err != nil {
		return err
	}
	return s.stream.Send(encoded)
}

// Recv decodes the next message into the value that v points to. It returns io.EOF when the caller has closed its direction.
func (s *Stream) Recv(v any) error {
	message, err := s.stream.Recv()
	if err != nil {
		return err
	}
	if err := decode(message, v); err != nil {
		return restyffi.Errorf(s.invalid, "the message: %v", err)
	}
	return nil
}

// open decodes a request, [id, body] or [id, body, options], and finds its client.
func (p *Pool[O, C]) open(ctx context.Context, request []byte, body any) (client C, release func(), err error) {
	id, options, err := parse(request, body)
	if err != nil {
		return client, nil, restyffi.Errorf(p.invalid, "%v", err)
	}
	return p.use(ctx, id, options)
}

func parse(request []byte, body any) (id string, options []byte, err error) {
	d := strictDecoder(request)
	defer msgpack.PutDecoder(d)
	n, err := d.DecodeArrayLen()
	if err != nil || n < 2 || n > 3 {
		return "", nil, errors.New("a request is a list of id, body and options")
	}
	if id, err = d.DecodeString(); err != nil {
		return "", nil, errors.New("the id of a client is a string")
	}
	if err = d.Decode(body); err != nil {
		return "", nil, fmt.Errorf("the request: %w", explainBody(request, body, err))
	}
	if n == 3 {
		if options, err = d.DecodeBytes(); err != nil {
			return "", nil, errors.New("the options of a client are a string, MessagePack")
		}
	}
	return id, options, nil
}

// explainBody explains why the body of a request could not be decoded.
func explainBody(request []byte, body any, cause error) error {
	var parts []msgpack.RawMessage
	if msgpack.Unmarshal(request, &parts) != nil {
		return errors.New("it ends in the middle of a value, or is not valid MessagePack")
	}
	return explain(parts[1], body, cause)
}
