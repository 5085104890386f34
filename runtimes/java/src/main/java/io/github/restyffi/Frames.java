package io.github.restyffi;

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

    static final int CALL = 1;
    static final int DATA = 2;
    static final int CANCEL = 3;
    static final int WINDOW = 4;
    static final int LOG = 5;
    static final int DICT = 6;
    static final int WATCH = 7;

    static final int END = 1;
    static final int NIL = 2;

    private static final byte[] EMPTY = {};

    final long[] words = new long[MAX * 8];
    final byte[][] payloads = new byte[MAX][];

    long id(int i) {
        return words[i * 8];
    }

    int kind(int i) {
        return (int) words[i * 8 + 1] & 0xffff;
    }

    boolean is(int i, int flag) {
        return ((int) words[i * 8 + 1] >>> 16 & flag) != 0;
    }

    int status(int i) {
        return (int) (words[i * 8 + 1] >> 32);
    }

    long data(int i) {
        return words[i * 8 + 2];
    }

    long length(int i) {
        return words[i * 8 + 3];
    }

    long deadline(int i) {
        return words[i * 8 + 4];
    }

    int method(int i) {
        return (int) words[i * 8 + 5];
    }

    long arg(int i) {
        return words[i * 8 + 6];
    }

    boolean isWithoutPayload(int i) {
        return words[i * 8 + 5] >>> 32 != 0;
    }

    /** Takes the payload out, null for nil. */
    byte[] take(int i) {
        byte[] payload = payloads[i];
        payloads[i] = null;
        if (payload == null && !is(i, NIL)) {
            return EMPTY;
        }
        return payload;
    }

    /**
     * Puts a call's answer in, which takes over the memory of the request if it fits and frees it
     * if not.
     */
    void answer(int i, long id, int status, byte[] payload, long data, long capacity) {
        boolean fits = payload != null && payload.length != 0 && payload.length <= capacity;
        put(i, id, DATA, payload == null ? END | NIL : END, status, payload);
        words[i * 8 + 2] = fits ? data : 0;
        words[i * 8 + 4] = 0;
        words[i * 8 + 5] = 0;
        words[i * 8 + 6] = 0;
        words[i * 8 + 7] = fits ? 0 : data;
    }

    /** Puts a frame in that has no memory of the host's yet. */
    void put(int i, Outgoing frame) {
        put(i, frame.id, frame.kind, frame.flags, frame.status, frame.payload);
        words[i * 8 + 2] = 0;
        words[i * 8 + 4] = frame.deadline;
        words[i * 8 + 5] = frame.method | (long) frame.zone << 32;
        words[i * 8 + 6] = frame.arg;
        words[i * 8 + 7] = 0;
    }

    private void put(int i, long id, int kind, int flags, int status, byte[] payload) {
        words[i * 8] = id;
        words[i * 8 + 1] = kind | (long) flags << 16 | (long) status << 32;
        words[i * 8 + 3] = payload == null ? 0 : payload.length;
        payloads[i] = payload;
    }

    void clearPayloads(int n) {
        for (int i = 0; i < n; i++) {
            payloads[i] = null;
        }
    }
}
