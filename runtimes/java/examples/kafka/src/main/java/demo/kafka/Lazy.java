package demo.kafka;

import java.util.Optional;
import java.util.function.Supplier;

/** A client that is made when it is first needed: loading a runtime asks nothing of Kafka. */
final class Lazy<C extends AutoCloseable> {
    private final Supplier<C> maker;
    private C client;

    Lazy(Supplier<C> maker) {
        this.maker = maker;
    }

    synchronized C get() {
        if (client == null) {
            client = maker.get();
        }
        return client;
    }

    /** The client, if it has been made. */
    synchronized Optional<C> made() {
        return Optional.ofNullable(client);
    }
}
