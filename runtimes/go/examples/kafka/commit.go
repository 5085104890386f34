package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
)

type commitRequest struct {
	Commit *struct {
		Topic     string `json:"topic"`
		Partition *int32 `json:"partition"`
		Offset    *int64 `json:"offset"`
	} `json:"commit"`
}

func (r commitRequest) position() (p position, err error) {
	switch c := r.Commit; {
	case c == nil:
		return p, missing("commit")
	case c.Topic == "":
		return p, missing("commit.topic")
	case c.Partition == nil:
		return p, missing("commit.partition")
	case c.Offset == nil:
		return p, missing("commit.offset")
	case *c.Offset < 0:
		return p, invalid(`"commit.offset" must not be negative, but is %d`, *c.Offset)
	default:
		return position{c.Topic, *c.Partition, *c.Offset}, nil
	}
}

type committed struct {
	Committed position `json:"committed"`
}

// commits carries out what the caller sends after its first message, until it closes its direction.
func commits(ctx context.Context, s *restyffi.Stream, client *kgo.Client) error {
	for {
		text, err := s.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var request commitRequest
		if err := decode(text, &request); err != nil {
			return err
		}
		p, err := request.position()
		if err != nil {
			return err
		}
		if err := commit(ctx, client, p); err != nil {
			return err
		}
		if err := send(s, committed{p}); err != nil {
			return err
		}
	}
}

// rejoining are the answers to a member whom its group, or the broker that knows the group, does not know just now. The
// client joins again by itself.
var rejoining = []error{
	kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.UnknownMemberID,
	kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator,
}

// commit says that a record has been dealt with. It waits for a broker that is away, and for the group to be complete.
func commit(ctx context.Context, client *kgo.Client, p position) error {
	for {
		err := client.CommitRecords(ctx, &kgo.Record{
			Topic: p.Topic, Partition: p.Partition, Offset: p.Offset,
			LeaderEpoch: -1, // not known
		})
		var refused *kerr.Error
		if err == nil || errors.As(err, &refused) && !slices.Contains(rejoining, error(refused)) {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
