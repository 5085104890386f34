package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/** A shared dict of the host. */
final class HostDict implements Dict {
    private static final byte[] NOTHING = {};

    private final DictRequests requests;
    private final byte[] zone;

    /** Makes the dict of a name. An empty name is the first that the runtime may use. */
    HostDict(DictRequests requests, String name) {
        this.requests = requests;
        zone = name.getBytes(UTF_8);
    }

    @Override
    public CompletableFuture<byte @Nullable []> get(String key) {
        return ask(DictOperation.GET, key, NOTHING, Duration.ZERO);
    }

    @Override
    public CompletableFuture<@Nullable Void> set(String key, byte[] value, Duration timeToLive) {
        return ask(DictOperation.SET, key, value, timeToLive).thenApply(none -> null);
    }

    @Override
    public CompletableFuture<Boolean> add(String key, byte[] value, Duration timeToLive) {
        return ask(DictOperation.ADD, key, value, timeToLive).thenApply(stored -> stored != null);
    }

    @Override
    public CompletableFuture<Long> incr(String key, long by, Duration timeToLive) {
        return ask(DictOperation.INCR, key, Long.toString(by).getBytes(UTF_8), timeToLive)
                .thenApply(sum -> new BigDecimal(text(sum)).longValueExact());
    }

    @Override
    public CompletableFuture<@Nullable Void> delete(String key) {
        return ask(DictOperation.DELETE, key, NOTHING, Duration.ZERO).thenApply(none -> null);
    }

    private CompletableFuture<byte @Nullable []> ask(
            int operation, String key, byte[] value, Duration timeToLive) {
        byte[] name = key.getBytes(UTF_8);
        Outgoing frame = new Outgoing();
        frame.method = operation;
        frame.zone = zone.length;
        frame.arg = name.length;
        frame.deadline = millis(timeToLive);
        frame.payload = new byte[zone.length + name.length + value.length];
        System.arraycopy(zone, 0, frame.payload, 0, zone.length);
        System.arraycopy(name, 0, frame.payload, zone.length, name.length);
        System.arraycopy(value, 0, frame.payload, zone.length + name.length, value.length);
        return requests.ask(frame);
    }

    private static String text(byte @Nullable [] value) {
        return new String(Objects.requireNonNull(value), UTF_8);
    }

    /** Rounds up, because 0 means without a limit. */
    private static long millis(Duration timeToLive) {
        if (timeToLive.isNegative()) {
            throw new IllegalArgumentException("a time to live of " + timeToLive);
        }
        return timeToLive.plusNanos(999_999).toMillis();
    }
}
