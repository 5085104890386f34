package main

import (
	"context"
	"errors"
	"testing"

	"github.com/resty-ffi/resty-ffi/runtimes/go/clients/internal/lua"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// administrate does what the runtime has no method for.
func administrate(t *testing.T, cluster *kfake.Cluster, f func(context.Context, *kadm.Client) error) {
	t.Helper()
	k, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := f(t.Context(), kadm.NewClient(k)); err != nil {
		t.Fatal(err)
	}
}

// addPartitions makes a topic have n partitions.
func addPartitions(t *testing.T, cluster *kfake.Cluster, topic string, n int) {
	t.Helper()
	administrate(t, cluster, func(ctx context.Context, admin *kadm.Client) error {
		answers, err := admin.UpdatePartitions(ctx, n, topic)
		return errors.Join(err, answers.Error())
	})
}

// deleteRecords deletes what is before an offset of a topic of one partition.
func deleteRecords(t *testing.T, cluster *kfake.Cluster, topic string, offset int64) {
	t.Helper()
	administrate(t, cluster, func(ctx context.Context, admin *kadm.Client) error {
		var until kadm.Offsets
		until.AddOffset(topic, 0, offset, -1)
		answers, err := admin.DeleteRecords(ctx, until)
		return errors.Join(err, answers[topic][0].Err)
	})
}

func TestABrokerThatIsGone(t *testing.T) {
	h := load(t)
	cluster, brokers := fake(t, kfake.NumBrokers(3), kfake.SeedTopics(6, "t"))
	options := lua.With(brokers, lua.Table{"metadata_max_age": 1})
	s := h.open("consume", options, lua.Table{"id": "1", "group": "g", "topics": []string{"t"}})
	each := func(value string) {
		for partition := range 6 {
			h.call("send", options, lua.Table{"topic": "t", "partition": partition, "value": value})
		}
	}
	each("before")
	s.records(6)
	if err := cluster.RemoveNode(0); err != nil {
		t.Fatal(err)
	}
	each("after")
	s.records(6)
	// An address that nobody listens on does no harm while a broker listens on another address.
	h.call("send", lua.With(options, lua.Table{"client_id": "new"}), lua.Table{"topic": "t", "value": "more"})
	s.records(1)
}
