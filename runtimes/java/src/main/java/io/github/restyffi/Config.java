package io.github.restyffi;

import java.util.concurrent.Executor;

/**
 * What a runtime is given when it is loaded: its configuration, and the host's log and shared dict.
 * It stays valid for the life of the runtime, on any thread.
 */
public interface Config {
    /**
     * The configuration: in {@code ngx.load_ffi("ffi_java", "demo.App,init,{...}")} what follows
     * the second comma. Its format is the runtime's affair.
     *
     * @return the text; null if there is no second comma
     */
    String text();

    /**
     * The configuration as JSON, decoded into a record:
     *
     * <pre>{@code
     * record Settings(String url, int retries, List<String> topics) {}
     *
     * Settings settings = config.json(Settings.class);
     * }</pre>
     *
     * <p>Components are strings, numbers, booleans, enums, records, and lists and maps (by strings)
     * of these. What the text lacks is null, 0 or false, for the record's constructor to replace;
     * what it has beside is left alone. No configuration is an empty object.
     *
     * @param type the record
     * @param <T> the record
     * @return the configuration
     * @throws RestyFfiException if the text is no JSON object, or does not fit; it says where
     */
    <T extends Record> T json(Class<T> type);

    /**
     * The name that the host gave the runtime.
     *
     * @return the name, for messages
     */
    String name();

    /**
     * The host's log, such as nginx's error.log.
     *
     * @return a logger
     */
    HostLogger logger();

    /**
     * The host's shared dict: the first of those that the runtime may use, by the option {@code
     * dicts} of {@code ngx.load_ffi}.
     *
     * @return the dict
     */
    Dict dict();

    /**
     * A shared dict of the host's, by name. One that the runtime may not use fails what is asked of
     * it.
     *
     * @param name the name
     * @return the dict
     */
    Dict dict(String name);

    /**
     * Where the handlers of {@link FfiRuntime.Builder#method} run: virtual threads on Java 21 and
     * newer, else a pool, or what {@link FfiRuntime.Builder#executor} names. For work of the
     * author's own, such as {@code CompletableFuture.supplyAsync(work, config.executor())}; without
     * an executor, that starts a thread each time where the JVM sees but one or two processors.
     *
     * @return the executor, for as long as the runtime is loaded
     */
    Executor executor();

    /**
     * The version of the interface that the host speaks.
     *
     * @return 2, or more in days to come
     */
    int abi();
}
