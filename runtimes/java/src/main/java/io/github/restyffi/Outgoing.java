package io.github.restyffi;

/**
 * A frame on its way to the host. What waits to be sent is linked through it, so that sending needs
 * no memory.
 */
class Outgoing {
    Outgoing next;
    long id;
    int kind;
    int flags;
    int status;
    byte[] payload;
    long deadline;
    int method;
    int zone;
    long arg;

    /** Makes it the last frame of a call. */
    final Outgoing end(long call, int code, byte[] answer) {
        id = call;
        kind = Frames.DATA;
        flags = answer == null ? Frames.END | Frames.NIL : Frames.END;
        status = code;
        payload = answer;
        return this;
    }
}
