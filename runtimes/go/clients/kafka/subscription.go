package main

import (
	"errors"
	"regexp"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// subscription opens a consumer. The caller chooses the ID, by which commits name the consumer. Exactly one of Topics, Pattern
// and Partitions is set.
type subscription struct {
	ID             string       `msgpack:"id"`
	Group          string       `msgpack:"group"`
	Topics         []string     `msgpack:"topics"`
	Pattern        string       `msgpack:"pattern"`
	Partitions     []assignment `msgpack:"partitions"`
	From           position     `msgpack:"from"`
	SessionTimeout float64      `msgpack:"session_timeout"`
	ReadCommitted  bool         `msgpack:"read_committed"`
	MaxWait        float64      `msgpack:"max_wait"`
}

// assignment is a partition, and where to begin if not at the position of the subscription.
type assignment struct {
	Topic     string    `msgpack:"topic"`
	Partition int32     `msgpack:"partition"`
	From      *position `msgpack:"from"`
}

// position is where reading begins: at "earliest", "latest", an offset, or { time = milliseconds }, which is the first record
// of that time or later.
type position struct {
	kgo.Offset
	given bool
	exact bool // whether it is an offset
}

var errPosition = errors.New(`must be "earliest", "latest", an offset from 0 on, or a table { time = milliseconds }`)

func (p *position) DecodeMsgpack(d *msgpack.Decoder) error {
	code, err := d.PeekCode()
	if err != nil {
		return err
	}
	p.given = true
	switch {
	case msgpcode.IsString(code):
		name, err := d.DecodeString()
		switch {
		case err == nil && name == "earliest":
			p.Offset = kgo.NewOffset().AtStart()
		case err == nil && name == "latest":
			p.Offset = kgo.NewOffset().AtEnd()
		default:
			return errPosition
		}
	case msgpcode.IsFixedMap(code):
		var at struct {
			Time *int64 `msgpack:"time"`
		}
		if err := d.Decode(&at); err != nil || at.Time == nil || *at.Time < 0 {
			return errPosition
		}
		p.Offset = kgo.NewOffset().AfterMilli(*at.Time)
	default:
		offset, err := d.DecodeInt64()
		if err != nil || offset < 0 {
			return errPosition
		}
		p.Offset, p.exact = kgo.NewOffset().At(offset), true
	}
	return nil
}

// check returns an error if the subscription is invalid.
func (s *subscription) check() error {
	ways := 0
	for _, given := range []bool{len(s.Topics) > 0, s.Pattern != "", len(s.Partitions) > 0} {
		if given {
			ways++
		}
	}
	switch {
	case s.ID == "":
		return invalid("a consumer needs an \"id\"")
	case ways != 1:
		return invalid("a consumer needs one of \"topics\", \"pattern\" and \"partitions\"")
	case s.Group != "" && len(s.Partitions) > 0:
		return invalid("a group shares its partitions by itself: \"partitions\" is for a consumer without \"group\"")
	case s.Group != "" && s.From.exact:
		return invalid("\"from\" of a group must be \"earliest\", \"latest\" or a time: an offset is for a consumer without")
	}
	return nil
}

// options returns the options of the consumer's client.
func (s *subscription) options() ([]kgo.Opt, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	begin, reset := kgo.NewOffset().AtStart(), kgo.NewOffset().AtStart()
	if s.From.given {
		begin, reset = s.From.Offset, s.From.Offset
	}
	if s.exact() {
		reset = kgo.NoResetOffset()
	}
	opts := []kgo.Opt{kgo.ConsumeStartOffset(begin), kgo.ConsumeResetOffset(reset)}
	switch {
	case s.Pattern != "":
		whole := "^(?:" + s.Pattern + ")$"
		if _, err := regexp.Compile(whole); err != nil {
			return nil, invalid("\"pattern\" is not a regular expression: %v", err)
		}
		opts = append(opts, kgo.ConsumeTopics(whole), kgo.ConsumeRegex())
	case len(s.Partitions) > 0:
		partitions, err := s.assigned()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.ConsumePartitions(partitions))
	default:
		opts = append(opts, kgo.ConsumeTopics(s.Topics...))
	}
	if s.Group != "" {
		opts = append(opts, kgo.ConsumerGroup(s.Group), kgo.DisableAutoCommit())
	}
	if s.SessionTimeout > 0 {
		opts = append(opts, kgo.SessionTimeout(seconds(s.SessionTimeout)),
			kgo.HeartbeatInterval(min(3*time.Second, seconds(s.SessionTimeout)/3)))
	}
	if s.ReadCommitted {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if s.MaxWait > 0 {
		opts = append(opts, kgo.FetchMaxWait(seconds(s.MaxWait)))
	}
	return opts, nil
}

// exact reports whether a partition is read from an offset. If that offset does not exist, the consumer fails instead of
// beginning elsewhere.
func (s *subscription) exact() bool {
	exact := s.From.exact
	for _, a := range s.Partitions {
		exact = exact || a.From != nil && a.From.exact
	}
	return exact
}

// assigned returns the partitions of a consumer that reads certain partitions, and otherwise nil.
func (s *subscription) assigned() (map[string]map[int32]kgo.Offset, error) {
	if len(s.Partitions) == 0 {
		return nil, nil
	}
	all := make(map[string]map[int32]kgo.Offset)
	for _, a := range s.Partitions {
		from := a.From
		if from == nil {
			from = &s.From
		}
		begin := from.Offset
		if !from.given {
			begin = kgo.NewOffset().AtStart()
		}
		if a.Topic == "" || a.Partition < 0 {
			return nil, invalid("each of \"partitions\" needs a \"topic\", and a \"partition\" from 0 on")
		}
		if _, twice := all[a.Topic][a.Partition]; twice {
			return nil, invalid("partition %d of %q is in \"partitions\" twice", a.Partition, a.Topic)
		}
		if all[a.Topic] == nil {
			all[a.Topic] = make(map[int32]kgo.Offset)
		}
		all[a.Topic][a.Partition] = begin
	}
	return all, nil
}
