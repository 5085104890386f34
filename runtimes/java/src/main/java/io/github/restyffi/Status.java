package io.github.restyffi;

/**
 * The codes with which the host fails a call. They are the same in every host and language, and
 * negative. A runtime's own codes are positive; see {@link RestyFfiException}.
 */
public final class Status {
    /** The call was not answered before its deadline. */
    public static final int TIMEOUT = -1;

    /** The caller went away, or the handler gave up because the call was cancelled. */
    public static final int CANCELLED = -2;

    /** Too many calls wait already, or the memory for payloads is used up. */
    public static final int QUEUE_FULL = -3;

    /** A payload is larger than 128 MiB. */
    public static final int TOO_LARGE = -4;

    /** The runtime has no method of this name. */
    public static final int NO_METHOD = -5;

    /** The handler threw an exception that has no code of its own. */
    public static final int THREW = -6;

    /** The process of the runtime ended. */
    public static final int EXITED = -7;

    /** The runtime has been unloaded. */
    public static final int UNLOADED = -8;

    /** The call was made where the host cannot wait. */
    public static final int BAD_PHASE = -9;

    /** The host cannot use an argument. */
    public static final int BAD_ARGUMENT = -10;

    private Status() {}
}
