package io.github.restyffi;

/** A runtime's queue, as the host offers it. Any thread may use it until it is closed. */
interface Queue {
    /**
     * Takes frames into {@code in} and waits for them up to a time in milliseconds, -1 for ever.
     * Returns how many; {@link Status#UNLOADED} when the runtime is to end.
     */
    int poll(Frames in, int timeoutMillis);

    /** Sends the first n frames. Their payloads are copied before this returns. */
    void send(Frames out, int n);

    /** Frees the memory of a request that no reply releases. */
    void free(long data);

    /** The name of a method by its number. */
    String method(int number);

    /** The name of the runtime. */
    String name();

    /** The version of the interface that the host speaks. */
    int abi();

    /** 0 for the first start of a runtime, n for its n-th reload. */
    int generation();

    /** Says why the runtime cannot be loaded. */
    void fail(String text);

    /**
     * Tells the host that the runtime, which is to end, has work to finish, and returns how many
     * milliseconds it has; or that it has none any more.
     */
    int finish(boolean busy);

    /** The last call of all. */
    void close();
}
