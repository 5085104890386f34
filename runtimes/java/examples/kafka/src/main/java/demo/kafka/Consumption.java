package demo.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.restyffi.Call;
import io.github.restyffi.MessageStream;

import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.WakeupException;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The method consume: one stream is one member of a group. */
final class Consumption {
    private static final Duration POLL = Duration.ofSeconds(1);

    private final Settings settings;

    Consumption(Settings settings) {
        this.settings = settings;
    }

    record Start(String group, List<String> topics, String from) {
        Start {
            Fields.name("group", group);
            topics = Fields.names("topics", topics);
            from = from == null ? "earliest" : from;
            if (!List.of("earliest", "latest").contains(from)) {
                throw Failures.badRequest("from should be earliest or latest, but is " + from);
            }
        }
    }

    record Message(
            String topic,
            int partition,
            long offset,
            long timestamp,
            String key,
            String value,
            Map<String, String> headers) {
        static Message of(ConsumerRecord<String, String> consumed) {
            Map<String, String> headers = new LinkedHashMap<>();
            consumed.headers().forEach(header -> headers.put(header.key(), text(header.value())));
            return new Message(
                    consumed.topic(),
                    consumed.partition(),
                    consumed.offset(),
                    consumed.timestamp(),
                    consumed.key(),
                    consumed.value(),
                    headers);
        }

        private static String text(byte[] bytes) {
            return bytes == null ? null : new String(bytes, UTF_8);
        }
    }

    void serve(MessageStream stream, Call call) throws InterruptedException {
        Start start = Json.decode(stream.receive(), Start.class);
        try {
            consume(start, stream);
        } catch (InterruptException e) {
            Thread.interrupted(); // the exception says it
            throw new InterruptedException(e.getMessage());
        } catch (KafkaException e) {
            throw Failures.of(e);
        }
    }

    private void consume(Start start, MessageStream stream) throws InterruptedException {
        KafkaConsumer<String, String> consumer =
                Clients.consumer(settings, start.group(), start.from());
        Commits commits = new Commits(stream, consumer);
        try {
            for (String topic : start.topics()) {
                find(topic, consumer);
            }
            consumer.subscribe(start.topics(), new Positions(consumer));
            commits.start();
            while (true) {
                commits.commit();
                for (ConsumerRecord<String, String> consumed : poll(consumer)) {
                    stream.send(Json.encode(Message.of(consumed))); // waits for a slow client
                    commits.commit();
                }
            }
        } finally {
            Thread.interrupted(); // or there would be no time to leave the group
            consumer.close(CloseOptions.timeout(Clients.GOODBYE));
            commits.stop();
        }
    }

    private static ConsumerRecords<String, String> poll(KafkaConsumer<String, String> consumer) {
        try {
            return consumer.poll(POLL);
        } catch (WakeupException e) { // there is something to commit
            return ConsumerRecords.empty();
        }
    }

    /** Fails if there is no such topic, or no Kafka: a consumer would wait for them. */
    private static void find(String topic, KafkaConsumer<String, String> consumer) {
        if (consumer.partitionsFor(topic).isEmpty()) {
            throw new UnknownTopicOrPartitionException("there is no topic \"%s\"".formatted(topic));
        }
    }
}
