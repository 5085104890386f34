package restyffi

import (
	"context"
	"errors"
	"io"
	"sync"
)

// A StreamHandler serves the streams of one method. It receives messages from the client and sends messages to the client,
// in any order. The stream ends when the handler returns: with success, or with the error, as for a [Handler].
//
//	rt.HandleStream("upper", func(_ context.Context, s *restyffi.Stream) error {
//		for {
//			message, err := s.Recv()
//			if err == io.EOF {
//				return nil // the client has closed its direction
//			}
//			if err == nil {
//				err = s.Send(bytes.ToUpper(message))
//			}
//			if err != nil {
//				return err
//			}
//		}
//	})
//
// Each stream has a goroutine of its own. ctx is done when the client has given up the stream, its deadline has passed, the
// runtime is unloaded, or the handler has returned. A Recv or Send that waits then returns ctx.Err().
type StreamHandler func(ctx context.Context, s *Stream) error

// A Stream is the handler's end of a stream. One goroutine may receive while others send. A stream buffers no more than its
// window in each direction, which the host sets (256 KB).
type Stream struct {
	call   call
	window int64 // the size of each direction's window

	receiving sync.Mutex // held while receiving
	current   payload    // the message that Recv has lent

	sending sync.Mutex // held while sending: messages keep their order, and the END comes last

	mu      sync.Mutex // guards the fields below
	inbox   inbox
	closed  bool      // whether the client has closed its direction
	over    bool      // whether the handler has returned
	due     int64     // cost of the messages received since some of the window was given back
	credit  int64     // what is left of the window for sending
	arrived sync.Cond // a message has arrived
	widened sync.Cond // the window for sending has grown
}

var errOver = errors.New("the stream is over: its handler has returned")

// cost returns what a message takes from a window, as resty_ffi_cost does.
func cost(n int) int64 { return int64(max(n, leastCost)) }

func newStream(rt *Runtime, m *method, f *frame) *Stream {
	s := &Stream{window: int64(f.arg), credit: int64(f.arg), closed: f.flags&flagEnd != 0}
	s.call = call{rt: rt, id: uint64(f.id), deadline: uint64(f.deadline), method: m, stream: s}
	s.call.state.Store(watched)
	s.arrived.L, s.widened.L = &s.mu, &s.mu
	if first := payloadOf(f); !first.isNil {
		s.inbox.push(first)
		s.due = -cost(first.len) // the first message is free
	}
	return s
}

// Method returns the name of the method that the client opened.
func (s *Stream) Method() string { return s.call.method.name }

// Recv waits for the next message from the client, and returns it. It returns [io.EOF] after the last message when the
// client has closed its direction, and ctx.Err() as soon as the context of the stream is done.
//
// The message is memory of the host, lent until the next Recv or until the handler returns: use [bytes.Clone] to keep it for
// longer. The handler may change it. It is never nil.
func (s *Stream) Recv() (message []byte, err error) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	next, back, err := s.next()
	if err != nil && err != io.EOF {
		return nil, err
	}
	spent := s.current
	s.current = next
	if back > 0 {
		s.call.rt.queue.giveBack(s.call.id, back, spent)
	} else {
		s.call.rt.queue.free(spent)
	}
	return next.bytes(), err
}

// next waits for the next message and returns it, with the part of the window that is to be given back.
func (s *Stream) next() (p payload, back int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.inbox.empty() && !s.closed && s.failure() == nil {
		s.arrived.Wait()
	}
	if err := s.failure(); err != nil {
		return p, 0, err
	}
	if s.inbox.empty() {
		return payload{isNil: true}, 0, io.EOF
	}
	p = s.inbox.pop()
	s.due += cost(p.len)
	if s.due >= s.window/2 && !s.closed {
		back, s.due = s.due, 0
	}
	return p, back, nil
}

// Send sends a message to the client; it waits while the window is used up. Send copies the message, so the caller may use
// the slice again, and may pass what Recv returned. A nil message arrives as an empty one.
func (s *Stream) Send(message []byte) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	if err := s.spend(cost(len(message))); err != nil {
		return err
	}
	if s.call.rt.queue.message(s.call.id, message) {
		return nil
	}
	s.widen(cost(len(message)))
	if len(message) > maxPayload {
		return Errorf(CodeTooLarge, "a message of %d bytes is larger than the limit of 128 MB", len(message))
	}
	return Errorf(CodeQueueFull, "no payload memory is left for a message of %d bytes", len(message))
}

// spend waits until the window is open and takes n from it.
func (s *Stream) spend(n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.credit <= 0 && s.failure() == nil {
		s.widened.Wait()
	}
	if err := s.failure(); err != nil {
		return err
	}
	s.credit -= n
	return nil
}

// failure returns why the stream can neither receive nor send, or nil if it can.
func (s *Stream) failure() error {
	if s.over {
		return errOver
	}
	return s.call.Err()
}

// push adds a message from the client. It reports whether the stream keeps the memory of the message.
func (s *Stream) push(p payload, last bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.failure() != nil {
		return false
	}
	s.closed = last
	if !p.isNil {
		s.inbox.push(p)
	}
	s.arrived.Signal()
	return !p.isNil
}

// widen adds to the window for sending.
func (s *Stream) widen(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credit += n
	s.widened.Signal()
}

// wake makes the goroutines that wait check the state of the stream again.
func (s *Stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrived.Broadcast()
	s.widened.Broadcast()
}

// run is the goroutine of a stream. The END is sent whatever the handler does.
func (s *Stream) run() {
	c := &s.call
	var response []byte
	err := errNoAnswer
	defer func() {
		if p := recover(); p != nil {
			err = c.panicked(p)
		}
		s.finish(response, err)
	}()
	switch gone := c.Err(); {
	case gone != nil:
		err = gone
	case c.method.stream == nil:
		response, err = s.plain()
	default:
		if err = c.method.stream(c, s); err == nil {
			err = c.Err() // a stream that was cut short must not look complete
		}
	}
}

// plain serves the stream with the handler of a method for plain calls.
func (s *Stream) plain() ([]byte, error) {
	request, err := s.Recv()
	if err != nil && err != io.EOF {
		return nil, err
	}
	return s.call.method.handler(&s.call, request)
}

// finish sends the END and ends the stream.
func (s *Stream) finish(response []byte, err error) {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.wake()
	// Goroutines that outlive the handler may be sending, or freeing the message that they received.
	s.receiving.Lock()
	s.sending.Lock()
	for !s.inbox.empty() {
		s.call.rt.queue.free(s.inbox.pop())
	}
	s.call.request = s.current
	s.sending.Unlock()
	s.receiving.Unlock()
	s.call.finish(response, err)
}
