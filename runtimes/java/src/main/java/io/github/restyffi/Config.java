package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.Executor;

/**
 * What a runtime receives when it is loaded: its configuration, and access to the log and the
 * shared dicts of the host.
 *
 * <p>A {@code Config} is valid as long as its runtime is loaded. Any thread may use it.
 */
public interface Config {
    /**
     * Returns the configuration as text: in {@code ngx.load_ffi("ffi_java", "demo.App,init,{...}")}
     * everything after the second comma. Its format is the runtime's own.
     *
     * @return the text, which may be empty; null if the load has no second comma
     */
    @Nullable String text();

    /**
     * Decodes the configuration from JSON into a record:
     *
     * <pre>{@code
     * record Settings(String url, int retries, List<String> topics) {}
     *
     * Settings settings = config.json(Settings.class);
     * }</pre>
     *
     * <p>The components of the record are strings, numbers ({@code int}, {@code long}, {@code
     * double} and their wrappers), booleans, enums, records, and lists and maps with string keys of
     * these. A component that the JSON does not mention, or mentions as null, is null, 0 or false;
     * the constructor of the record may replace it by a default or reject it. Names that the record
     * does not have are ignored. A missing or blank configuration counts as an empty object.
     *
     * @param type the class of the record; it need not be public
     * @param <T> the type of the record
     * @return a new record; its lists and maps are unmodifiable
     * @throws RestyFfiException with {@link Status#BAD_ARGUMENT} if the text is not a JSON object
     *     or does not fit the record; the message names the place
     */
    <T extends Record> T json(Class<T> type);

    /**
     * Returns the name that the host gives the runtime, for use in messages.
     *
     * @return the name
     */
    String name();

    /**
     * Returns the log of the host, for example nginx's error.log.
     *
     * @return a logger; the same one each time
     */
    HostLogger logger();

    /**
     * Returns the default shared dict: the first that the option {@code dicts} of {@code
     * ngx.load_ffi} names. Without such an option its operations fail; see {@link #dict(String)}.
     *
     * @return the dict
     */
    Dict dict();

    /**
     * Returns a shared dict by its name. This method does not ask the host: if the option {@code
     * dicts} of {@code ngx.load_ffi} does not name the dict, each operation fails with {@link
     * Status#BAD_ARGUMENT}.
     *
     * @param name the name of the dict, for example that of a {@code lua_shared_dict}
     * @return the dict
     */
    Dict dict(String name);

    /**
     * Returns the executor on which the handlers of {@link FfiRuntime.Builder#method} run: the one
     * that {@link FfiRuntime.Builder#executor} names; without it virtual threads on Java 21 and
     * newer, and a pool of threads on older versions.
     *
     * <p>It is meant for the runtime's own background work, for example {@code
     * CompletableFuture.supplyAsync(work, config.executor())}. Without an executor argument that
     * method starts a new thread each time on a machine with one or two processors.
     *
     * @return the executor; usable until the runtime is unloaded
     */
    Executor executor();

    /**
     * Returns the version of the interface between host and runtimes that the host implements.
     *
     * @return 2 or more
     */
    int abi();
}
