package main

import "github.com/twmb/franz-go/pkg/kgo"

// noPartition is that of a record whose caller leaves the choice to the partitioner.
const noPartition = -1

// partitioner sends a record to the partition that it names, and leaves the others to another partitioner.
type partitioner struct{ kgo.Partitioner }

func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	return topicPartitioner{p.Partitioner.ForTopic(topic).(kgo.TopicBackupPartitioner)}
}

type topicPartitioner struct{ kgo.TopicBackupPartitioner }

func (t topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition != noPartition || t.TopicBackupPartitioner.RequiresConsistency(r)
}

func (t topicPartitioner) PartitionByBackup(r *kgo.Record, n int, backup kgo.TopicBackupIter) int {
	if r.Partition != noPartition {
		return int(r.Partition)
	}
	return t.TopicBackupPartitioner.PartitionByBackup(r, n, backup)
}
