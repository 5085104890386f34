package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

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
	return topicAnswer{created.Topic, partitions}, nil
}
