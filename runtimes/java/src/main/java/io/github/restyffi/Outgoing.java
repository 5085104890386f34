package io.github.restyffi;

import org.jspecify.annotations.Nullable;

/**
 * A frame on its way to the host. Frames that wait form a list, so that sending needs no memory.
 */
class Outgoing {
    @Nullable Outgoing next;
    long id;
    int kind;
    int flags;
    int status;
    byte @Nullable [] payload;
    long deadline;
    int method;
    int zone;
    long arg;

    /** Makes it the last frame of a call. */
    final Outgoing end(long call, int code, byte @Nullable [] answer) {
        id = call;
        kind = Kind.DATA;
        flags = answer == null ? Flag.END | Flag.NIL : Flag.END;
        status = code;
        payload = answer;
        return this;
    }
}
