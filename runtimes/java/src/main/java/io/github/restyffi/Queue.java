package io.github.restyffi;

/** The queue of a runtime, as the host offers it. Any thread may use it until it is closed. */
interface Queue {
    /**
     * Takes frames into {@code in}, and waits for them for a time; -1 means without a limit.
     * Returns the number of frames, or {@link Status#UNLOADED} when the runtime must end.
     */
    int poll(Frames in, int timeoutMillis);

    /** Sends the first n frames. Their payloads are copied before this method returns. */
    void send(Frames out, int n);

    /** Frees the memory of a request that no reply releases. */
    void free(long data);

    /** Returns the name of a method by its number. */
    String method(int number);

    /** Returns the name of the runtime. */
    String name();

    /** Returns the version of the interface that the host implements. */
    int abi();

    /** Returns 0 for the first start of a runtime, n for its n-th reload. */
    int generation();

    /** Says why the runtime cannot be loaded. */
    void fail(String text);

    /**
     * Tells the host at the end of the runtime whether it still has work to finish. Returns the
     * time for that in milliseconds.
     */
    int finish(boolean busy);

    /** Closes the queue. No other method may be called after that. */
    void close();
}
