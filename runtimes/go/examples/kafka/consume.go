package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

// leaveTimeout is how long the end of a stream waits for the brokers to take note of it.
const leaveTimeout = time.Second

type consumeRequest struct {
	Group  string   `json:"group"`
	Topics []string `json:"topics"`
	From   string   `json:"from"`
}

func (r consumeRequest) options() ([]kgo.Opt, error) {
	if r.Group == "" {
		return nil, missing("group")
	}
	if len(r.Topics) == 0 {
		return nil, invalid(`"topics" must name at least one topic`)
	}
	start := kgo.NewOffset().AtStart()
	switch r.From {
	case "", "earliest":
	case "latest":
		start = kgo.NewOffset().AtEnd()
	default:
		return nil, invalid(`"from" must be earliest or latest, not %q`, r.From)
	}
	return []kgo.Opt{
		kgo.ConsumerGroup(r.Group),
		kgo.ConsumeTopics(r.Topics...),
		kgo.ConsumeStartOffset(start),
		kgo.DisableAutoCommit(),
		kgo.FetchMaxBytes(1 << 20), // what a stream holds in advance
	}, nil
}

// consume is a member of a group as long as its stream is open. It sends records while another goroutine commits those
// that the caller has dealt with.
func consume(ctx context.Context, s *restyffi.Stream, brokers []kgo.Opt, log *slog.Logger) error {
	text, err := s.Recv()
	if err != nil && err != io.EOF {
		return err
	}
	var request consumeRequest
	if err := decode(text, &request); err != nil {
		return err
	}
	options, err := request.options()
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(append(options, brokers...)...)
	if err != nil {
		return err
	}
	defer leave(client)
	if err := exist(ctx, client, request.Topics); err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go func() {
		if err := commits(ctx, s, client); err != nil {
			end(err)
		}
	}()
	return records(ctx, s, client, log)
}

// exist fails if a topic does not: a consumer would wait for it to be made.
func exist(ctx context.Context, client *kgo.Client, topics []string) error {
	details, err := kadm.NewClient(client).ListTopics(ctx, topics...)
	if err != nil {
		return err
	}
	return details.Error()
}

// leave lets the group share out the partitions at once, not only when it misses the member.
func leave(client *kgo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	client.LeaveGroupContext(ctx)
	client.Close()
}

type message struct {
	position
	Timestamp int64             `json:"timestamp"`
	Key       *string           `json:"key"`
	Value     string            `json:"value"`
	Headers   map[string]string `json:"headers"`
}

func newMessage(r *kgo.Record) message {
	m := message{
		position:  position{r.Topic, r.Partition, r.Offset},
		Timestamp: r.Timestamp.UnixMilli(),
		Value:     string(r.Value),
		Headers:   make(map[string]string, len(r.Headers)),
	}
	if r.Key != nil {
		key := string(r.Key)
		m.Key = &key
	}
	for _, h := range r.Headers {
		m.Headers[h.Key] = string(h.Value)
	}
	return m
}

// records sends them until the stream ends. The client goes on by itself when a broker has been away.
func records(ctx context.Context, s *restyffi.Stream, client *kgo.Client, log *slog.Logger) error {
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, fetch := range fetches.Errors() {
			if !passing(fetch.Err) {
				return fetch.Err
			}
			log.Info("A consumer has to begin again.", "topic", fetch.Topic, "partition", fetch.Partition, "why", fetch.Err)
		}
		for r := range fetches.RecordsAll() {
			if err := send(s, newMessage(r)); err != nil {
				return err
			}
		}
	}
}

// passing says whether the client gets over an error by itself, as it does when a broker is away.
func passing(err error) bool {
	var session *kgo.ErrGroupSession
	var refused *kerr.Error
	switch {
	case errors.As(err, &session):
		return !errors.Is(err, kerr.GroupAuthorizationFailed)
	case errors.As(err, &refused):
		return refused.Retriable
	}
	return true
}
