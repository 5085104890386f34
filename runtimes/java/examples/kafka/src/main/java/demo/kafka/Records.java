package demo.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.restyffi.Call;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.internals.Topic;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** The method produce. */
final class Records implements AutoCloseable {
    private final Lazy<KafkaProducer<String, String>> producer;
    private final Executor executor;

    Records(Settings settings, Executor executor) {
        producer = new Lazy<>(() -> Clients.producer(settings));
        this.executor = executor;
    }

    record Request(
            String topic,
            String value,
            String key,
            Map<String, String> headers,
            Integer partition) {
        Request {
            Fields.required("topic", topic);
            Fields.required("value", value);
            headers = headers == null ? Map.of() : headers;
            headers.forEach((name, text) -> Fields.required("headers." + name, text));
            if (partition != null) {
                Fields.between("partition", 0, partition, Integer.MAX_VALUE);
            }
        }

        ProducerRecord<String, String> toRecord() {
            var record = new ProducerRecord<>(topic, partition, key, value);
            headers.forEach((name, text) -> record.headers().add(name, text.getBytes(UTF_8)));
            return record;
        }
    }

    record Answer(String topic, int partition, long offset) {
        static Answer of(RecordMetadata stored) {
            return new Answer(stored.topic(), stored.partition(), stored.offset());
        }
    }

    /** Sends without waiting for the brokers: until they answer, records gather in a batch. */
    CompletableFuture<byte[]> produce(byte[] json, Call call) {
        Request request = Json.decode(json, Request.class);
        CompletableFuture<RecordMetadata> stored = new CompletableFuture<>();
        executor.execute( // where it may block: a topic that is new to the producer is looked up
                () -> {
                    if (!call.cancellation().isCancelled()) {
                        send(request.toRecord(), stored);
                    }
                });
        return stored.thenApply(Answer::of).thenApply(Json::encode);
    }

    private void send(
            ProducerRecord<String, String> record, CompletableFuture<RecordMetadata> stored) {
        try {
            Topic.validate(
                    record.topic()); // the producer would ask for such a name again and again
            producer.get()
                    .send(
                            record,
                            (metadata, failure) -> {
                                if (failure == null) {
                                    stored.complete(metadata);
                                } else {
                                    stored.completeExceptionally(Failures.of(failure));
                                }
                            });
        } catch (KafkaException e) {
            stored.completeExceptionally(Failures.of(e));
        }
    }

    @Override
    public void close() {
        producer.end().ifPresent(client -> client.close(Clients.GOODBYE));
    }
}
