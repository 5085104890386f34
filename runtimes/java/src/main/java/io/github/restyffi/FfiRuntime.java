package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Executor;

/**
 * A runtime: methods by name, and how they are served.
 *
 * <pre>{@code
 * public static FfiRuntime init(Config config) {
 *     Store store = Store.open(config.text());
 *     return FfiRuntime.builder()
 *             .method("get", (request, call) -> store.get(request)) // may block
 *             .fastMethod("hash", (request, call) -> sha256(request)) // must not block
 *             .asyncMethod("fetch", (request, call) -> client.sendAsync(request))
 *             .streamMethod("scan", (stream, call) -> store.scan(stream.receive(), stream::send))
 *             .onUnload(store::close)
 *             .build();
 * }
 * }</pre>
 *
 * <p>A runtime is immutable. It holds nothing of a particular load, so that {@code init} may return
 * the same one several times.
 */
public final class FfiRuntime {
    private final Map<String, Method> methods;
    private final @Nullable Method defaultMethod;
    private final @Nullable Executor executor;
    private final List<AutoCloseable> onUnload;

    private FfiRuntime(Builder builder) {
        methods = new TreeMap<>(builder.methods);
        defaultMethod = builder.defaultMethod;
        executor = builder.executor;
        onUnload = List.copyOf(builder.onUnload);
    }

    /**
     * Returns a new builder, without methods.
     *
     * @return the builder, which is for use by one thread
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns the version of this library.
     *
     * @return the version, for example "0.1.0"; "unknown" if the classes are not loaded from its
     *     jar
     */
    public static String version() {
        return Objects.requireNonNullElse(
                FfiRuntime.class.getPackage().getImplementationVersion(), "unknown");
    }

    /** The method of this name, else the default method; null if there is neither. */
    @Nullable Method method(String name) {
        return methods.getOrDefault(name, defaultMethod);
    }

    /** The names of the methods, for a message. */
    String names() {
        return methods.isEmpty() ? "none" : String.join(", ", methods.keySet());
    }

    /** The executor of the runtime's author; null to use one of this library. */
    @Nullable Executor executor() {
        return executor;
    }

    List<AutoCloseable> onUnload() {
        return onUnload;
    }

    /**
     * Builds an {@link FfiRuntime}. If a name is given twice, its last handler counts. Builders are
     * not thread-safe. Every method throws a {@link NullPointerException} if an argument is null.
     */
    public static final class Builder {
        private final Map<String, Method> methods = new TreeMap<>();
        private final List<AutoCloseable> onUnload = new ArrayList<>();
        private @Nullable Method defaultMethod;
        private @Nullable Executor executor;

        private Builder() {}

        /**
         * Adds a method whose handler may block. Each call runs on a thread of the executor, so
         * that a call that waits delays no other. When a call is cancelled, its thread is
         * interrupted.
         *
         * @param name the name of the method
         * @param handler serves the calls
         * @return this builder
         */
        public Builder method(String name, Handler handler) {
            return put(name, new Method.Plain(handler, false));
        }

        /**
         * Adds a method whose handler never blocks and takes microseconds. Its calls run one after
         * the other on the polling thread itself. That saves the hand-over to another thread, which
         * is most of the cost of a small call. But while one of them runs, no other call begins and
         * none is cancelled.
         *
         * @param name the name of the method
         * @param handler serves the calls
         * @return this builder
         */
        public Builder fastMethod(String name, Handler handler) {
            return put(name, new Method.Plain(handler, true));
        }

        /**
         * Adds a method whose handler returns a future. The handler runs on the polling thread and
         * must not block; the future may complete on any thread. When a call is cancelled, its
         * future is cancelled.
         *
         * @param name the name of the method
         * @param handler begins the calls
         * @return this builder
         */
        public Builder asyncMethod(String name, AsyncHandler handler) {
            return put(name, new Method.Async(handler));
        }

        /**
         * Adds a method that is a stream. Each stream has a thread to itself, which is virtual on
         * Java 21 and newer. When the call is cancelled, that thread is interrupted.
         *
         * <pre>{@code
         * .streamMethod("count", (stream, call) -> {
         *     int n = Integer.parseInt(new String(stream.receive(), UTF_8));
         *     for (int i = 0; i < n; i++) {
         *         stream.send(Integer.toString(i).getBytes(UTF_8));
         *     }
         * })
         * }</pre>
         *
         * <p>A plain call of the method fails with {@link Status#BAD_ARGUMENT}. The other way
         * round, a method of any other kind can be opened as a stream: of one message, which is its
         * request, and one answer.
         *
         * @param name the name of the method
         * @param handler serves the streams
         * @return this builder
         */
        public Builder streamMethod(String name, StreamHandler handler) {
            return put(name, new Method.Stream(handler));
        }

        /**
         * Adds a method that is a stream, by publishers. Otherwise it is like {@link
         * #streamMethod}.
         *
         * @param name the name of the method
         * @param handler begins the streams
         * @return this builder
         */
        public Builder publisherMethod(String name, PublisherHandler handler) {
            return streamMethod(name, new PublishedStream(handler));
        }

        /**
         * Serves every name that has no method of its own, as {@link #method} does. The handler
         * finds the name in {@link Call#method()}. Of all default methods the last one counts.
         *
         * @param handler serves the calls
         * @return this builder
         */
        public Builder defaultMethod(Handler handler) {
            defaultMethod = new Method.Plain(handler, false);
            return this;
        }

        /**
         * Serves every name that has no method of its own, as {@link #fastMethod} does.
         *
         * @param handler serves the calls
         * @return this builder
         */
        public Builder defaultFastMethod(Handler handler) {
            defaultMethod = new Method.Plain(handler, true);
            return this;
        }

        /**
         * Serves every name that has no method of its own, as {@link #asyncMethod} does.
         *
         * @param handler begins the calls
         * @return this builder
         */
        public Builder defaultAsyncMethod(AsyncHandler handler) {
            defaultMethod = new Method.Async(handler);
            return this;
        }

        /**
         * Serves every name that has no method of its own, as {@link #streamMethod} does.
         *
         * @param handler serves the streams
         * @return this builder
         */
        public Builder defaultStreamMethod(StreamHandler handler) {
            defaultMethod = new Method.Stream(handler);
            return this;
        }

        /**
         * Runs the handlers of {@link #method} and {@link #streamMethod} on an executor. Without
         * one, each call has a virtual thread on Java 21 and newer. On older versions up to 64
         * calls run at a time, on the threads of a pool, and each stream has a thread of its own.
         *
         * @param executor runs one task for each call. If it rejects a task, the call fails with
         *     {@link Status#THREW}. It remains the property of the author, who may shut it down by
         *     {@link #onUnload}
         * @return this builder
         */
        public Builder executor(Executor executor) {
            this.executor = Objects.requireNonNull(executor);
            return this;
        }

        /**
         * Closes a resource when the runtime ends, after its calls have ended. The resource that
         * was added last is closed first. Closing may finish work that no call waits for, as in
         * {@code () -> producer.flush().join()}: the end of the runtime waits for it, and so does
         * the end of an nginx worker that quits. What it throws goes to the log.
         *
         * @param resource the resource. The time for all of them together is {@code drain_timeout}
         *     (30 s) at an unload or a reload, and what the host allows at its own end. After that
         *     the thread that closes is interrupted
         * @return this builder
         */
        public Builder onUnload(AutoCloseable resource) {
            onUnload.add(0, Objects.requireNonNull(resource));
            return this;
        }

        /**
         * Builds the runtime. The builder may be changed and used again.
         *
         * @return the runtime, for {@code init} to return
         */
        public FfiRuntime build() {
            return new FfiRuntime(this);
        }

        private Builder put(String name, Method method) {
            methods.put(Objects.requireNonNull(name), method);
            return this;
        }
    }
}
