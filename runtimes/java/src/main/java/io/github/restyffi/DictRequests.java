package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;

/** Sends requests to the shared dicts of the host; the polling thread delivers the answers. */
final class DictRequests {
    private static final String UNLOADED = "the runtime has been unloaded";

    private final Outbox outbox;
    private final Executor executor;
    private final Map<Long, CompletableFuture<byte @Nullable []>> waiting =
            new ConcurrentHashMap<>();
    private final AtomicLong ids = new AtomicLong();

    DictRequests(Outbox outbox, Executor executor) {
        this.outbox = outbox;
        this.executor = executor;
    }

    /** Sends a request. */
    CompletableFuture<byte @Nullable []> ask(Outgoing frame) {
        frame.kind = Kind.DICT;
        frame.id = ids.incrementAndGet();
        CompletableFuture<byte @Nullable []> future = new CompletableFuture<>();
        waiting.put(frame.id, future);
        if (!outbox.send(frame)) {
            waiting.remove(frame.id);
            future.completeExceptionally(new RestyFfiException(Status.UNLOADED, UNLOADED));
        }
        return future;
    }

    /**
     * Completes a future with the answer of the host. That runs on the executor, because dependent
     * actions may block.
     */
    void answered(long id, int status, byte @Nullable [] payload) {
        CompletableFuture<byte @Nullable []> future = waiting.remove(id);
        if (future == null) {
            return;
        }
        executor.execute(
                () -> {
                    if (status == 0) {
                        future.complete(payload);
                    } else {
                        String text =
                                payload == null
                                        ? "the host's dict refused"
                                        : new String(payload, UTF_8);
                        future.completeExceptionally(new RestyFfiException(status, text));
                    }
                });
    }

    /** Fails the requests that wait: no answers will come. */
    void close() {
        for (Long id : waiting.keySet()) {
            answered(id, Status.UNLOADED, UNLOADED.getBytes(UTF_8));
        }
    }
}
