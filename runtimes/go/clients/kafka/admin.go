package main

import (
	"context"
	"errors"
	"slices"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lookPause is the pause between checks whether a topic exists.
const lookPause = 20 * time.Millisecond

type newTopic struct {
	Topic             string            `msgpack:"topic"`
	Partitions        int32             `msgpack:"partitions"`
	ReplicationFactor int16             `msgpack:"replication_factor"`
	Configs           map[string]string `msgpack:"configs"`
}

// topic is an existing topic.
type topic struct {
	Topic      string `msgpack:"topic"`
	Partitions int    `msgpack:"partitions"`
}

type topicName struct {
	Topic string `msgpack:"topic"`
	Group string `msgpack:"group"`
}

// createTopic creates a topic. The broker chooses the numbers that the request does not have.
func createTopic(ctx context.Context, c *client, t *newTopic) (topic, error) {
	if t.Topic == "" {
		return topic{}, invalid("a topic needs a name")
	}
	if t.Partitions == 0 {
		t.Partitions = -1
	}
	if t.ReplicationFactor == 0 {
		t.ReplicationFactor = -1
	}
	configs := make(map[string]*string, len(t.Configs))
	for name, value := range t.Configs {
		configs[name] = &value
	}
	made, err := c.admin.CreateTopic(ctx, t.Partitions, t.ReplicationFactor, configs, t.Topic)
	if err == nil {
		err = made.Err
	}
	if err == nil {
		err = c.known(ctx, t.Topic)
	}
	return topic{t.Topic, int(made.NumPartitions)}, coded(err)
}

// known waits until the brokers know a new topic. The controller, which has created it, knows it before the others.
func (c *client) known(ctx context.Context, name string) error {
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{{Topic: &name}}
	for {
		r, err := request.RequestWith(ctx, c.Client)
		if err != nil {
			return err
		}
		missing := func(t kmsg.MetadataResponseTopic) bool {
			return t.ErrorCode == kerr.UnknownTopicOrPartition.Code || t.ErrorCode == kerr.LeaderNotAvailable.Code
		}
		if !slices.ContainsFunc(r.Topics, missing) {
			return nil
		}
		select {
		case <-time.After(lookPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func deleteTopic(ctx context.Context, c *client, t *topicName) (any, error) {
	gone, err := c.admin.DeleteTopic(ctx, t.Topic)
	if err == nil {
		err = gone.Err
	}
	return nil, coded(err)
}

// topics returns the topics, except for the brokers' internal ones.
func topics(ctx context.Context, c *client, _ *struct{}) ([]topic, error) {
	found, err := c.admin.ListTopics(ctx)
	if err != nil {
		return nil, coded(err)
	}
	list := make([]topic, 0, len(found))
	for name, detail := range found {
		if detail.Err == nil {
			list = append(list, topic{name, len(detail.Partitions)})
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Topic < list[j].Topic })
	return list, nil
}

// partition has the first offset of a partition, the offset of its next record, and the offset from which a group continues
// (-1 if the group has committed nothing).
type partition struct {
	Partition int32 `msgpack:"partition"`
	Start     int64 `msgpack:"start"`
	Next      int64 `msgpack:"next"`
	Committed int64 `msgpack:"committed"`
}

func offsets(ctx context.Context, c *client, t *topicName) ([]partition, error) {
	starts, err := c.admin.ListStartOffsets(ctx, t.Topic)
	if err != nil {
		return nil, coded(err)
	}
	ends, err := c.admin.ListEndOffsets(ctx, t.Topic)
	if err != nil {
		return nil, coded(err)
	}
	var group kadm.OffsetResponses
	if t.Group != "" {
		if group, err = c.admin.FetchOffsets(ctx, t.Group); err != nil {
			return nil, coded(err)
		}
	}
	list := make([]partition, 0, len(ends[t.Topic]))
	for number, end := range ends[t.Topic] {
		start := starts[t.Topic][number]
		if err := errors.Join(start.Err, end.Err); err != nil {
			return nil, coded(err)
		}
		found := partition{number, start.Offset, end.Offset, -1}
		if at, ok := group.Lookup(t.Topic, number); ok {
			found.Committed = at.At
		}
		list = append(list, found)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Partition < list[j].Partition })
	return list, nil
}
