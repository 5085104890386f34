package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * A shared dict of the host, which all workers and all runtimes see: in nginx a {@code
 * lua_shared_dict}.
 *
 * <pre>{@code
 * CompletableFuture<Long> visits = config.dict("cache").incr("visits:" + name, 1);
 * }</pre>
 *
 * <p>Each operation is one atomic step on the event loop of the host. The event loop answers only
 * after the runtime has been loaded, so that {@code init} must not wait for an answer. Nor must a
 * handler of {@link FfiRuntime.Builder#fastMethod} or {@link FfiRuntime.Builder#asyncMethod},
 * because it holds the polling thread, which receives the answers.
 *
 * <p>Any thread may call. The futures complete on {@link Config#executor()}, so that their
 * dependent actions may block. They fail with a {@link RestyFfiException}: with {@link
 * Status#BAD_ARGUMENT} and a reason if the host refuses the operation, for example because the
 * runtime may not use the dict or the dict is full; with {@link Status#UNLOADED} if the runtime is
 * unloaded first.
 */
public interface Dict {
    /**
     * Reads a value.
     *
     * @param key the key
     * @return the value, which belongs to the caller; null if the key has no value. A number or
     *     boolean that Lua has stored comes as its text
     */
    CompletableFuture<byte @Nullable []> get(String key);

    /**
     * Stores a value without a time limit.
     *
     * @param key the key
     * @param value the value; its bytes are copied before this method returns
     * @return completes when the value is stored
     */
    default CompletableFuture<@Nullable Void> set(String key, byte[] value) {
        return set(key, value, Duration.ZERO);
    }

    /**
     * Stores a value for a time.
     *
     * @param key the key
     * @param value the value; its bytes are copied before this method returns
     * @param timeToLive how long the value lives, rounded up to milliseconds; zero means without a
     *     limit
     * @return completes when the value is stored
     * @throws IllegalArgumentException if the time is negative
     */
    CompletableFuture<@Nullable Void> set(String key, byte[] value, Duration timeToLive);

    /**
     * Stores a value without a time limit, unless the key has one already.
     *
     * @param key the key
     * @param value the value; its bytes are copied before this method returns
     * @return whether the value was stored; false if the key has one already
     */
    default CompletableFuture<Boolean> add(String key, byte[] value) {
        return add(key, value, Duration.ZERO);
    }

    /**
     * Stores a value for a time, unless the key has one already. Of several that add the same key
     * at the same time, one succeeds.
     *
     * @param key the key
     * @param value the value; its bytes are copied before this method returns
     * @param timeToLive how long the value lives, rounded up to milliseconds; zero means without a
     *     limit
     * @return whether the value was stored; false if the key has one already
     * @throws IllegalArgumentException if the time is negative
     */
    CompletableFuture<Boolean> add(String key, byte[] value, Duration timeToLive);

    /**
     * Adds to a number. A missing key counts from 0, and then lives without a time limit.
     *
     * @param key the key, whose value is a number that {@code incr} or Lua has stored
     * @param by what to add; may be negative
     * @return the new value; fails with an {@link ArithmeticException} if it is not a whole number
     */
    default CompletableFuture<Long> incr(String key, long by) {
        return incr(key, by, Duration.ZERO);
    }

    /**
     * Adds to a number. A missing key counts from 0, and then lives for a time.
     *
     * @param key the key, whose value is a number that {@code incr} or Lua has stored
     * @param by what to add; may be negative
     * @param timeToLive how long a key that was missing lives, rounded up to milliseconds; zero
     *     means without a limit
     * @return the new value; fails with an {@link ArithmeticException} if it is not a whole number
     * @throws IllegalArgumentException if the time is negative
     */
    CompletableFuture<Long> incr(String key, long by, Duration timeToLive);

    /**
     * Removes a value.
     *
     * @param key the key; it may be missing
     * @return completes when the value is gone
     */
    CompletableFuture<@Nullable Void> delete(String key);
}
