package io.github.restyffi;

import org.jspecify.annotations.Nullable;

/**
 * A batch of frames with the layout of the host: eight words each. The payloads are beside them,
 * because they cross into Java as arrays.
 */
final class Frames {
    static final int MAX = 64;

    /** The number of words of a frame. */
    static final int WORDS = 8;

    static final int ID = 0;

    /** Kind (16 bits), flags (16) and status (32). */
    static final int HEAD = 1;

    /** The address of a request; of an answer, memory that it takes over. */
    static final int DATA = 2;

    static final int LENGTH = 3;

    /** In nanoseconds; of a dict request the time to live in milliseconds. */
    static final int DEADLINE = 4;

    /** Method (32 bits) and zone (32). Polled, zone 1 means that the heap has no room. */
    static final int METHOD = 5;

    /** The window of a stream, 0 for a plain call; of a dict request the length of the key. */
    static final int ARG = 6;

    /** The address of a request that the host frees with this answer. */
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

    /** Removes the payload and returns it; null for nil. */
    byte @Nullable [] take(int i) {
        byte[] payload = payloads[i];
        payloads[i] = null;
        if (payload == null && !is(i, Flag.NIL)) {
            return EMPTY;
        }
        return payload;
    }

    /**
     * Puts the answer of a call into the batch. It takes over the memory of the request if it fits
     * there, and otherwise frees it.
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

    /** Puts a frame into the batch; the host copies its payload. */
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
