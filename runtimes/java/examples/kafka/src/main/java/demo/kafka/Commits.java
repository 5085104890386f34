package demo.kafka;

import io.github.restyffi.MessageStream;
import io.github.restyffi.RestyFfiException;

import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.WakeupException;

import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The commits that the client asks for. A thread of their own receives them. The thread that polls
 * commits them, because a consumer belongs to one thread.
 */
final class Commits {
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final MessageStream stream;
    private final Consumer<?, ?> consumer;
    private final Queue<Position> positions = new ConcurrentLinkedQueue<>();
    private final Thread receiver = new Thread(this::receive, "kafka-commits");
    private volatile RestyFfiException refused;

    Commits(MessageStream stream, Consumer<?, ?> consumer) {
        this.stream = stream;
        this.consumer = consumer;
        receiver.setDaemon(true);
    }

    record Request(Position commit) {
        Request {
            Fields.required("commit", commit);
        }
    }

    record Position(String topic, Integer partition, Long offset) {
        Position {
            Fields.required("topic", topic);
            Fields.between(
                    "partition", 0, Fields.required("partition", partition), Integer.MAX_VALUE);
            Fields.between("offset", 0, Fields.required("offset", offset), Long.MAX_VALUE - 1);
        }
    }

    record Answer(Position committed) {}

    void start() {
        receiver.start();
    }

    void stop() throws InterruptedException {
        receiver.interrupt();
        receiver.join();
    }

    /**
     * Commits what has come. If that fails because Kafka is unavailable or the consumer has not
     * joined the group yet, the next call tries again.
     */
    void commit() throws InterruptedException {
        for (Position position; (position = positions.peek()) != null; ) {
            if (consumer.assignment().isEmpty() || !commit(position)) {
                break;
            }
            positions.remove();
            stream.send(Json.encode(new Answer(position)));
        }
        if (refused != null) {
            throw refused;
        }
    }

    private boolean commit(Position position) {
        var partition = new TopicPartition(position.topic(), position.partition());
        var next = new OffsetAndMetadata(position.offset() + 1);
        while (true) {
            try {
                consumer.commitSync(Map.of(partition, next), PATIENCE);
                return true;
            } catch (WakeupException e) {
                continue; // meant for a poll
            } catch (RetriableException | RebalanceInProgressException e) {
                return false;
            }
        }
    }

    private void receive() {
        try {
            for (byte[] message; (message = stream.receive()) != null; ) {
                positions.add(Json.decode(message, Request.class).commit());
                consumer.wakeup();
            }
        } catch (RestyFfiException e) {
            refused = e;
            consumer.wakeup();
        } catch (InterruptedException | IllegalStateException e) {
            return; // the stream has ended
        }
    }
}
