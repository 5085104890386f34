package io.github.restyffi;

import org.jspecify.annotations.Nullable;

/**
 * A batch of frames, laid out as the host's: eight words each. The payloads are beside them,
 * because they cross into Java as arrays.
 *
 * <pre>
 * word 0  id
 *      1  kind (16 bits), flags (16), status (32)
 *      2  data: of a polled call, where its request lies; of a reply, memory that it takes over
 *      3  length of the payload
 *      4  deadline in ns; of a dict request, time to live in ms
 *      5  method (32 bits), zone (32); of a polled frame 1 there if the payload did not fit into the Java heap
 *      6  arg: of a call its window, 0 for a plain one
 *      7  of a reply, a request to free along with it
 * </pre>
 */
final class Frames {
    static final int MAX = 64;

    /** Words of a frame. */
    static final int WORDS = 8;

    static final int ID = 0;
    static final int HEAD = 1;
    static final int DATA = 2;
    static final int LENGTH = 3;
    static final int DEADLINE = 4;
    static final int METHOD = 5;
    static final int ARG = 6;
    static final int RELEASE = 7;

    private static final byte[] EMPTY = {};

    final long[] words = new long[MAX * WORDS];
    final byte[] @Nullable [] payloads = new byte[MAX][];

    long id(int i) {
        return words[i * WORDS + ID];
    }

    int kind(int i) {
        return (int) words[i * WORDS + HEAD] & 0xffff;
    }

    boolean is(int i, int flag) {
        return ((int) words[i * WORDS + HEAD] >>> 16 & flag) != 0;
    }

    int status(int i) {
        return (int) (words[i * WORDS + HEAD] >> 32);
    }

    long data(int i) {
        return words[i * WORDS + DATA];
    }

    long length(int i) {
        return words[i * WORDS + LENGTH];
    }

    long deadline(int i) {
        return words[i * WORDS + DEADLINE];
    }

    int method(int i) {
        return (int) words[i * WORDS + METHOD];
    }

    long arg(int i) {
        return words[i * WORDS + ARG];
    }

    boolean isWithoutPayload(int i) {
        return words[i * WORDS + METHOD] >>> 32 != 0;
    }

    /** Takes the payload out, null for nil. */
    byte @Nullable [] take(int i) {
        byte[] payload = payloads[i];
        payloads[i] = null;
        if (payload == null && !is(i, Flag.NIL)) {
            return EMPTY;
        }
        return payload;
    }

    /**
     * Puts a call's answer in, which takes over the memory of the request if it fits and frees it
     * if not.
     */
    void answer(int i, long id, int status, byte @Nullable [] payload, long data, long capacity) {
        boolean fits = payload != null && payload.length != 0 && payload.length <= capacity;
        put(i, id, Kind.DATA, payload == null ? Flag.END | Flag.NIL : Flag.END, status, payload);
        words[i * WORDS + DATA] = fits ? data : 0;
        words[i * WORDS + DEADLINE] = 0;
        words[i * WORDS + METHOD] = 0;
        words[i * WORDS + ARG] = 0;
        words[i * WORDS + RELEASE] = fits ? 0 : data;
    }

    /** Puts a frame in that has no memory of the host's yet. */
    void put(int i, Outgoing frame) {
        put(i, frame.id, frame.kind, frame.flags, frame.status, frame.payload);
        words[i * WORDS + DATA] = 0;
        words[i * WORDS + DEADLINE] = frame.deadline;
        words[i * WORDS + METHOD] = frame.method | (long) frame.zone << 32;
        words[i * WORDS + ARG] = frame.arg;
        words[i * WORDS + RELEASE] = 0;
    }

    private void put(int i, long id, int kind, int flags, int status, byte @Nullable [] payload) {
        words[i * WORDS + ID] = id;
        words[i * WORDS + HEAD] = kind | (long) flags << 16 | (long) status << 32;
        words[i * WORDS + LENGTH] = payload == null ? 0 : payload.length;
        payloads[i] = payload;
    }

    void clearPayloads(int n) {
        for (int i = 0; i < n; i++) {
            payloads[i] = null;
        }
    }
}
