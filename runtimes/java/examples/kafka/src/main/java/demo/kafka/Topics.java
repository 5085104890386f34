package demo.kafka;

import io.github.restyffi.Call;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;

/** The method create_topic. */
final class Topics implements AutoCloseable {
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(20);

    private final Lazy<Admin> admin;

    Topics(Settings settings) {
        admin = new Lazy<>(() -> Clients.admin(settings));
    }

    record Request(String topic, Integer partitions, Integer replicationFactor) {
        Request {
            Fields.required("topic", topic);
            partitions = partitions == null ? 1 : partitions;
            Fields.between("partitions", 0, partitions, Integer.MAX_VALUE);
            replicationFactor = replicationFactor == null ? 1 : replicationFactor;
            Fields.between("replication_factor", 0, replicationFactor, Short.MAX_VALUE);
        }

        NewTopic toTopic() {
            return new NewTopic(topic, partitions, replicationFactor.shortValue());
        }
    }

    record Answer(String topic, int partitions) {}

    byte[] create(byte[] json, Call call) throws InterruptedException {
        Request request = Json.decode(json, Request.class);
        Duration patience =
                call.remaining()
                        .filter(left -> left.compareTo(Clients.PATIENCE) < 0)
                        .orElse(Clients.PATIENCE);
        CreateTopicsOptions options =
                new CreateTopicsOptions().timeoutMs((int) patience.toMillis());
        try {
            admin.get().createTopics(List.of(request.toTopic()), options).all().get();
            await(request.topic());
        } catch (ExecutionException | KafkaException e) {
            throw Failures.of(e);
        }
        return Json.encode(new Answer(request.topic(), request.partitions()));
    }

    /**
     * Waits until a new topic is known: the controller, which has answered, knows it before the
     * other brokers do.
     */
    private void await(String topic) throws ExecutionException, InterruptedException {
        while (true) {
            try {
                admin.get().describeTopics(List.of(topic)).allTopicNames().get();
                return;
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
                    throw e;
                }
            }
            Thread.sleep(BETWEEN_LOOKS.toMillis());
        }
    }

    @Override
    public void close() {
        admin.end().ifPresent(client -> client.close(Clients.GOODBYE));
    }
}
