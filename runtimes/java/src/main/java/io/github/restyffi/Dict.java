package io.github.restyffi;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * The host's shared dict: what every worker and every runtime of the host sees, in nginx a {@code
 * lua_shared_dict}.
 *
 * <pre>{@code
 * CompletableFuture<Long> visits = config.dict("cache").incr("visits:" + name, 1);
 * }</pre>
 *
 * <p>The host's event loop answers, and only once the runtime is loaded: do not wait for an answer
 * in {@code init}, in a handler of {@link FfiRuntime.Builder#fastMethod}, or in one of {@link
 * FfiRuntime.Builder#asyncMethod}. Futures complete on the runtime's executor. Where the host
 * refuses, they fail with a {@link RestyFfiException}. Any thread may call.
 */
public interface Dict {
    /**
     * Reads a value.
     *
     * @param key the key
     * @return the value, null if there is none
     */
    CompletableFuture<byte[]> get(String key);

    /**
     * Stores a value for ever.
     *
     * @param key the key
     * @param value the value; its bytes are copied before this returns
     * @return completes when it is stored
     */
    default CompletableFuture<Void> set(String key, byte[] value) {
        return set(key, value, Duration.ZERO);
    }

    /**
     * Stores a value for a time.
     *
     * @param key the key
     * @param value the value; its bytes are copied before this returns
     * @param timeToLive how long the value lives, to the millisecond; zero for ever
     * @return completes when it is stored
     */
    CompletableFuture<Void> set(String key, byte[] value, Duration timeToLive);

    /**
     * Stores a value for ever, if there is none.
     *
     * @param key the key
     * @param value the value; its bytes are copied before this returns
     * @return whether it was stored; false if there is a value already
     */
    default CompletableFuture<Boolean> add(String key, byte[] value) {
        return add(key, value, Duration.ZERO);
    }

    /**
     * Stores a value for a time, if there is none.
     *
     * @param key the key
     * @param value the value; its bytes are copied before this returns
     * @param timeToLive how long the value lives, to the millisecond; zero for ever
     * @return whether it was stored; false if there is a value already
     */
    CompletableFuture<Boolean> add(String key, byte[] value, Duration timeToLive);

    /**
     * Adds to a number in one step. A missing key counts from 0.
     *
     * @param key the key
     * @param by what to add
     * @return the new value; fails with an {@link ArithmeticException} if that is no whole number
     */
    default CompletableFuture<Long> incr(String key, long by) {
        return incr(key, by, Duration.ZERO);
    }

    /**
     * Adds to a number in one step. A missing key counts from 0, and lives for a time.
     *
     * @param key the key
     * @param by what to add
     * @param timeToLive how long a key that was missing lives, to the millisecond; zero for ever
     * @return the new value; fails with an {@link ArithmeticException} if that is no whole number
     */
    CompletableFuture<Long> incr(String key, long by, Duration timeToLive);

    /**
     * Removes a value.
     *
     * @param key the key; it need not be there
     * @return completes when it is gone
     */
    CompletableFuture<Void> delete(String key);
}
