package main

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// addPartitions makes a topic have more partitions.
func addPartitions(t *testing.T, cluster *kfake.Cluster, topic string, n int) {
	t.Helper()
	k, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	answers, err := kadm.NewClient(k).UpdatePartitions(context.Background(), n, topic)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}
