package demo.kafka;

import org.apache.kafka.common.KafkaException;

import java.util.Optional;
import java.util.function.Supplier;

/** A client that is made when it is first needed: loading a runtime asks nothing of Kafka. */
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

    /** The client, if it has been made. From now on none is made. */
    synchronized Optional<C> end() {
        ended = true;
        return Optional.ofNullable(client);
    }
}
