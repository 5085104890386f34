package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/pool"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// endTimeout bounds the abort of a transaction, for which no caller waits. The brokers abort a transaction themselves after
// the option transaction_timeout.
const endTimeout = 5 * time.Second

// transactions runs the transactions of a transactional id one after the other, as Kafka requires.
type transactions struct {
	rt      *restyffi.Runtime
	options *options
	turn    chan struct{} // holds one token while a transaction runs
	mu      sync.Mutex    // guards writes to the fields below
	// The client of the id. It is nil until the first transaction, after a transaction whose result is unknown, and after one
	// that another producer with the same id has fenced off. The goroutine that has the turn owns it.
	kgo    *kgo.Client
	reach  *reach
	closed bool
}

func newTransactions(rt *restyffi.Runtime, o *options) *transactions {
	return &transactions{rt: rt, options: o, turn: make(chan struct{}, 1)}
}

// step is a message to a transaction: records to send, or the end. Timeout is the number of seconds that the caller waits.
type step struct {
	Records []record `msgpack:"records"`
	Commit  bool     `msgpack:"commit"`
	Timeout float64  `msgpack:"timeout"`
}

// stepped answers a step with the results of its records, or with the reason why it failed.
type stepped struct {
	Sent    []sent `msgpack:"sent,omitempty"`
	Code    int    `msgpack:"code,omitempty"`
	Message string `msgpack:"message,omitempty"`
}

// run serves the stream of a transaction. If the caller goes away before it commits, the transaction is aborted.
func (t *transactions) run(ctx context.Context, stream *pool.Stream) error {
	if t.options.TransactionalID == "" {
		return invalid("a transaction needs a producer with the option \"transactional_id\"")
	}
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.turn }()
	if err := t.begin(); err != nil {
		return coded(err)
	}
	if err := stream.Send(stepped{}); err != nil {
		t.abort()
		return err
	}
	return t.serve(ctx, stream)
}

// begin makes the client of the id, if it does not exist yet, and begins a transaction.
func (t *transactions) begin() error {
	if t.kgo == nil {
		r := newReach(t.options.dialer(), t.options.refusal())
		opts, err := t.options.client(t.rt, r)
		if err != nil {
			return err
		}
		opts = append(opts, kgo.TransactionalID(t.options.TransactionalID))
		if t.options.TransactionTimeout > 0 {
			opts = append(opts, kgo.TransactionTimeout(seconds(t.options.TransactionTimeout)))
		}
		made, err := kgo.NewClient(opts...)
		if err != nil {
			return invalid("the options: %v", err)
		}
		if !t.own(made, r) {
			made.Close()
			return restyffi.Errorf(restyffi.CodeUnloaded, "the producer is closed")
		}
	}
	if err := t.kgo.BeginTransaction(); err != nil {
		t.forget()
		return err
	}
	return nil
}

// serve answers the steps of a transaction until the transaction ends.
func (t *transactions) serve(ctx context.Context, stream *pool.Stream) error {
	var failed error // the first error of a record, after which the transaction cannot be committed
	for {
		var s step
		if err := stream.Recv(&s); err != nil {
			t.abort()
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var answer stepped
		if s.Commit {
			answer.Code, answer.Message = codeOf(t.commit(ctx, &s, failed))
			return stream.Send(answer)
		}
		list, err := kafkaRecords(s.Records)
		if err != nil {
			t.abort()
			return err
		}
		answer.Sent, err = t.send(ctx, &s, list)
		if failed == nil {
			failed = err
		}
		if err := stream.Send(answer); err != nil {
			t.abort()
			return err
		}
	}
}

// limit returns a context for a step. It ends a little before the caller's timeout if the reason for waiting is known.
func (s *step) limit(ctx context.Context, r *reach) (context.Context, context.CancelFunc) {
	if s.Timeout <= 0 {
		return context.WithCancel(ctx)
	}
	ctx, stop := context.WithTimeout(ctx, seconds(s.Timeout))
	inner, cancel := patience(ctx, r)
	return inner, func() {
		cancel()
		stop()
	}
}

// send sends records and waits for all of them. It returns the first error.
func (t *transactions) send(ctx context.Context, s *step, list []*kgo.Record) ([]sent, error) {
	ctx, cancel := s.limit(ctx, t.reach)
	defer cancel()
	results := make([]sent, len(list))
	var mu sync.Mutex
	var first error
	var wait sync.WaitGroup
	wait.Add(len(list))
	for i, k := range list {
		t.kgo.Produce(ctx, k, func(k *kgo.Record, err error) {
			defer wait.Done()
			results[i].place = place{k.Topic, k.Partition, k.Offset}
			if err == nil {
				return
			}
			err = fenced(inTime(ctx, t.reach, err))
			results[i].Code, results[i].Message = codeOf(err)
			mu.Lock()
			defer mu.Unlock()
			if first == nil {
				first = err
			}
		})
	}
	wait.Wait()
	return results, first
}

// commit commits a transaction, or aborts it if failed, the error of one of its records, is not nil.
func (t *transactions) commit(ctx context.Context, s *step, failed error) error {
	if failed != nil {
		t.abort()
		code, text := codeOf(failed)
		return restyffi.Errorf(code, "the transaction is aborted, because a record has failed: %s", text)
	}
	ctx, cancel := s.limit(ctx, t.reach)
	defer cancel()
	err := t.kgo.EndTransaction(ctx, kgo.TryCommit)
	if err == nil {
		return nil
	}
	err = fenced(inTime(ctx, t.reach, err))
	if ctx.Err() != nil {
		t.forget()
		code, text := codeOf(err)
		return restyffi.Errorf(code, "it is not known whether the transaction is committed: %s", text)
	}
	t.abort()
	return err
}

// abort aborts a transaction and closes its client: a client that was fenced off, or whose topics were created again, would
// fail the next transaction, too.
func (t *transactions) abort() {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	if t.reach.reason() == nil && t.kgo.AbortBufferedRecords(ctx) == nil {
		_ = t.kgo.EndTransaction(ctx, kgo.TryAbort)
	}
	t.forget()
}

// own sets the client of the id. It returns false if an unload has closed the transactions.
func (t *transactions) own(k *kgo.Client, r *reach) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.kgo, t.reach = k, r
	return true
}

func (t *transactions) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		go t.kgo.Close() // it may wait for brokers
	}
	t.kgo = nil
}

// close closes the client of the id at an unload, even while a transaction runs.
func (t *transactions) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.kgo != nil {
		t.kgo.Close()
	}
}

// fenced explains the error that Kafka returns to the older of two producers with the same id.
func fenced(err error) error {
	if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) {
		return fmt.Errorf("%w; another producer has the same transactional_id", err)
	}
	return err
}
