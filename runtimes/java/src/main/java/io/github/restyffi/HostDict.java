package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;

/** Asks the host's shared dict by frames, whose answers the poller brings. */
final class HostDict implements Dict {
    private static final int GET = 1;
    private static final int SET = 2;
    private static final int INCR = 3;
    private static final int DELETE = 4;

    private final Outbox outbox;
    private final Executor executor;
    private final Map<Long, CompletableFuture<byte[]>> waiting = new ConcurrentHashMap<>();
    private final AtomicLong ids = new AtomicLong();

    HostDict(Outbox outbox, Executor executor) {
        this.outbox = outbox;
        this.executor = executor;
    }

    @Override
    public CompletableFuture<byte[]> get(String key) {
        return ask(GET, key, new byte[0], 0);
    }

    @Override
    public CompletableFuture<Void> set(String key, byte[] value, Duration timeToLive) {
        return ask(SET, key, value, timeToLive.toMillis()).thenApply(none -> null);
    }

    @Override
    public CompletableFuture<Long> incr(String key, long by) {
        return ask(INCR, key, Long.toString(by).getBytes(UTF_8), 0)
                .thenApply(value -> new BigDecimal(new String(value, UTF_8)).longValueExact());
    }

    @Override
    public CompletableFuture<Void> delete(String key) {
        return ask(DELETE, key, new byte[0], 0).thenApply(none -> null);
    }

    /**
     * The host has answered. Dependents of the future may block, so that they run elsewhere than on
     * the polling thread.
     */
    void answered(long id, int status, byte[] payload) {
        CompletableFuture<byte[]> future = waiting.remove(id);
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

    /** No answers will come any more. */
    void close() {
        waiting.keySet()
                .forEach(
                        id ->
                                answered(
                                        id,
                                        Status.UNLOADED,
                                        "the runtime has been unloaded".getBytes(UTF_8)));
    }

    private CompletableFuture<byte[]> ask(int operation, String key, byte[] value, long millis) {
        byte[] name = key.getBytes(UTF_8);
        Outgoing frame = new Outgoing();
        frame.id = ids.incrementAndGet();
        frame.kind = Frames.DICT;
        frame.method = operation;
        frame.arg = name.length;
        frame.deadline = millis;
        frame.payload = new byte[name.length + value.length];
        System.arraycopy(name, 0, frame.payload, 0, name.length);
        System.arraycopy(value, 0, frame.payload, name.length, value.length);
        CompletableFuture<byte[]> future = new CompletableFuture<>();
        waiting.put(frame.id, future);
        if (!outbox.send(frame)) {
            waiting.remove(frame.id);
            future.completeExceptionally(
                    new RestyFfiException(Status.UNLOADED, "the runtime has been unloaded"));
        }
        return future;
    }
}
