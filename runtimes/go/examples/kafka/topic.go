package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// betweenLooks is after what time it is looked again whether a topic is there.
const betweenLooks = 20 * time.Millisecond

type topicRequest struct {
	Topic             string `json:"topic"`
	Partitions        *int32 `json:"partitions"`
	ReplicationFactor *int16 `json:"replication_factor"`
}

type topicAnswer struct {
	Topic      string `json:"topic"`
	Partitions int32  `json:"partitions"`
}

func createTopic(ctx context.Context, client *kgo.Client, r topicRequest) (any, error) {
	if r.Topic == "" {
		return nil, missing("topic")
	}
	partitions, replicas := int32(1), int16(1)
	if r.Partitions != nil {
		partitions = *r.Partitions
	}
	if r.ReplicationFactor != nil {
		replicas = *r.ReplicationFactor
	}
	created, err := kadm.NewClient(client).CreateTopic(ctx, partitions, replicas, nil, r.Topic)
	if err != nil {
		return nil, err
	}
	return topicAnswer{created.Topic, partitions}, known(ctx, client, created.Topic)
}

// known waits until a topic that has just been made is there: the controller, which has answered, knows it before the
// other brokers do.
func known(ctx context.Context, client *kgo.Client, topic string) error {
	for {
		err := exist(ctx, client, []string{topic})
		if !errors.Is(err, kerr.UnknownTopicOrPartition) && !errors.Is(err, kerr.LeaderNotAvailable) {
			return err
		}
		select {
		case <-time.After(betweenLooks):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
