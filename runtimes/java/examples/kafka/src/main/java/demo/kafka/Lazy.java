package demo.kafka;

import org.apache.kafka.common.KafkaException;

import java.util.Optional;
import java.util.function.Supplier;

/** A client that is made on first use, so that a runtime loads without Kafka. */
final class Lazy<C extends AutoCloseable> {
    private final Supplier<C> maker;
    private C client;
    private boolean ended;

    Lazy(Supplier<C> maker) {
        this.maker = maker;
    }

    synchronized C get() {
        if (ended) {
            throw new KafkaException("the runtime is unloaded");
        }
        if (client == null) {
            client = maker.get();
        }
        return client;
    }

    /** Returns the client if it has been made, and prevents it from being made later. */
    synchronized Optional<C> end() {
        ended = true;
        return Optional.ofNullable(client);
    }
}
