package demo.kafka;

import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The positions of a stream. A group that has committed nothing would start again after each
 * rebalance, for example when a broker restarts, and would repeat records or miss some.
 */
final class Positions implements ConsumerRebalanceListener {
    private static final Duration PATIENCE = Duration.ofMillis(100);

    private final Consumer<?, ?> consumer;
    private final Map<TopicPartition, Long> last = new HashMap<>();

    Positions(Consumer<?, ?> consumer) {
        this.consumer = consumer;
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) {
            try {
                last.put(partition, consumer.position(partition, PATIENCE));
            } catch (TimeoutException e) {
                continue; // it has not begun yet
            }
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        Set<TopicPartition> known = new HashSet<>(partitions);
        known.retainAll(last.keySet());
        if (!known.isEmpty()) {
            consumer.committed(known)
                    .forEach(
                            (partition, committed) -> {
                                if (committed == null) {
                                    consumer.seek(partition, last.get(partition));
                                }
                            });
        }
    }
}
