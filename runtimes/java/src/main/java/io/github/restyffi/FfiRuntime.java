package io.github.restyffi;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Executor;

/**
 * What a runtime serves: methods by name. It holds nothing of a particular load and may be returned
 * for several.
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
 */
public final class FfiRuntime {
    private final Map<String, Method> methods;
    private final Method defaultMethod;
    private final Executor executor;
    private final List<AutoCloseable> onUnload;

    private FfiRuntime(Builder builder) {
        methods = new TreeMap<>(builder.methods);
        defaultMethod = builder.defaultMethod;
        executor = builder.executor;
        onUnload = List.copyOf(builder.onUnload);
    }

    /**
     * Begins a runtime without methods.
     *
     * @return a builder, for one thread
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The version of this library.
     *
     * @return the version, or "unknown" outside of its jar
     */
    public static String version() {
        return Objects.requireNonNullElse(
                FfiRuntime.class.getPackage().getImplementationVersion(), "unknown");
    }

    /** Serves a method of this name, the default one if it has no own; null if neither is there. */
    Method method(String name) {
        return methods.getOrDefault(name, defaultMethod);
    }

    /** The names of its methods, for a message. */
    String names() {
        return methods.isEmpty() ? "none" : String.join(", ", methods.keySet());
    }

    /** The author's executor; null to use one of ours. */
    Executor executor() {
        return executor;
    }

    List<AutoCloseable> onUnload() {
        return onUnload;
    }

    /** How a method is served: by which kind of handler, on the polling thread or not. */
    record Method(
            Handler handler, AsyncHandler asyncHandler, boolean fast, StreamHandler streamHandler) {
        static Method plain(Handler handler, boolean fast) {
            return new Method(Objects.requireNonNull(handler), null, fast, null);
        }

        static Method async(AsyncHandler handler) {
            return new Method(null, Objects.requireNonNull(handler), true, null);
        }

        static Method stream(StreamHandler handler) {
            return new Method(Method::notPlain, null, true, Objects.requireNonNull(handler));
        }

        /** Answers a plain call of a stream. */
        private static byte[] notPlain(byte[] request, Call call) {
            throw new RestyFfiException(
                    Status.BAD_ARGUMENT,
                    "\"%s\" is a stream: open it with resty_ffi.stream".formatted(call.method()));
        }
    }

    /** Builds an {@link FfiRuntime}. A name that is given twice keeps its last handler. */
    public static final class Builder {
        private final Map<String, Method> methods = new TreeMap<>();
        private final List<AutoCloseable> onUnload = new ArrayList<>();
        private Method defaultMethod;
        private Executor executor;

        private Builder() {}

        /**
         * Serves a method by a handler that may block. Each call runs on a thread of the executor,
         * so that one that waits stops no other. Cancelling a call interrupts its thread.
         *
         * @param name the method's name
         * @param handler serves its calls
         * @return this
         */
        public Builder method(String name, Handler handler) {
            return put(name, Method.plain(handler, false));
        }

        /**
         * Serves a method by a handler that never blocks and takes microseconds. Its calls run on
         * the polling thread itself, one after the other: that saves handing over to a thread,
         * which is most of what a small call costs, but while one runs no other call is begun, nor
         * any cancelled.
         *
         * @param name the method's name
         * @param handler serves its calls
         * @return this
         */
        public Builder fastMethod(String name, Handler handler) {
            return put(name, Method.plain(handler, true));
        }

        /**
         * Serves a method by a handler that returns a future. The handler runs on the polling
         * thread and must not block; the future may complete when and where it likes. Cancelling a
         * call cancels its future.
         *
         * @param name the method's name
         * @param handler begins its calls
         * @return this
         */
        public Builder asyncMethod(String name, AsyncHandler handler) {
            return put(name, Method.async(handler));
        }

        /**
         * Serves a method that is a stream, on a thread of its own: virtual on Java 21 and newer.
         * Cancelling a call interrupts it.
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
         * @param name the method's name
         * @param handler serves its streams
         * @return this
         */
        public Builder streamMethod(String name, StreamHandler handler) {
            return put(name, Method.stream(handler));
        }

        /**
         * Serves a method that is a stream by publishers.
         *
         * @param name the method's name
         * @param handler begins its streams
         * @return this
         */
        public Builder publisherMethod(String name, PublisherHandler handler) {
            return streamMethod(name, new PublishedStream(handler));
        }

        /**
         * Serves every other name as {@link #method} does. {@link Call#method()} tells the name.
         *
         * @param handler serves the calls
         * @return this
         */
        public Builder defaultMethod(Handler handler) {
            defaultMethod = Method.plain(handler, false);
            return this;
        }

        /**
         * Serves every other name as {@link #fastMethod} does.
         *
         * @param handler serves the calls
         * @return this
         */
        public Builder defaultFastMethod(Handler handler) {
            defaultMethod = Method.plain(handler, true);
            return this;
        }

        /**
         * Serves every other name as {@link #asyncMethod} does.
         *
         * @param handler begins the calls
         * @return this
         */
        public Builder defaultAsyncMethod(AsyncHandler handler) {
            defaultMethod = Method.async(handler);
            return this;
        }

        /**
         * Serves every other name as {@link #streamMethod} does.
         *
         * @param handler serves the streams
         * @return this
         */
        public Builder defaultStreamMethod(StreamHandler handler) {
            defaultMethod = Method.stream(handler);
            return this;
        }

        /**
         * Runs the handlers of {@link #method} and {@link #streamMethod} on this executor. Without
         * one, each call gets a virtual thread of its own on Java 21 and newer; before that a call
         * gets a thread of a pool of up to 64 that come and go, and a stream one of its own.
         *
         * @param executor takes a task for each call; it stays the author's, who may shut it down
         *     with {@link #onUnload}
         * @return this
         */
        public Builder executor(Executor executor) {
            this.executor = Objects.requireNonNull(executor);
            return this;
        }

        /**
         * Closes something when the runtime ends, once its calls have; the last given first. It may
         * finish what was begun and no call waits for, as in {@code () -> producer.flush().join()}:
         * the end waits for it, that of a worker of nginx that quits too. What it throws goes to
         * the host's log.
         *
         * @param resource what to close. The time for all of them is {@code drain_timeout} (30 s)
         *     at an unload or a reload, and what the host says at its own end; then the thread that
         *     closes is interrupted
         * @return this
         */
        public Builder onUnload(AutoCloseable resource) {
            onUnload.add(0, Objects.requireNonNull(resource));
            return this;
        }

        /**
         * Finishes the runtime.
         *
         * @return the runtime, to be returned from {@code init}
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
