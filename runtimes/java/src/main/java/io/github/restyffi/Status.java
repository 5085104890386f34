package io.github.restyffi;

/**
 * The codes that hosts give a failed call, the same in every host and language. A runtime's own
 * codes are positive.
 */
public final class Status {
    /** No answer before the deadline. */
    public static final int TIMEOUT = -1;

    /** The caller went away, or the handler gave up because it was cancelled. */
    public static final int CANCELLED = -2;

    /** Too many calls wait already, or the payload memory is used up. */
    public static final int QUEUE_FULL = -3;

    /** A payload above the limit. */
    public static final int TOO_LARGE = -4;

    /** The runtime serves no method of this name. */
    public static final int NO_METHOD = -5;

    /** The handler threw an exception without a code. */
    public static final int THREW = -6;

    /** The runtime's process ended. */
    public static final int EXITED = -7;

    /** The runtime has been unloaded. */
    public static final int UNLOADED = -8;

    /** Called where the host cannot wait. */
    public static final int BAD_PHASE = -9;

    /** An argument that the host cannot use. */
    public static final int BAD_ARGUMENT = -10;

    private Status() {}
}
