package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A host in memory. It hands out the frames of the test, keeps the frames that it is sent, and
 * checks the ownership of payloads.
 */
final class FakeQueue implements Queue {
    /** A frame that was sent. */
    record Sent(
            long id,
            int kind,
            int flags,
            int status,
            byte[] payload,
            int method,
            int zone,
            long arg,
            long deadline) {
        boolean isEnd() {
            return kind == Kind.DATA && (flags & Flag.END) != 0;
        }

        String text() {
            return payload == null ? null : new String(payload, UTF_8);
        }
    }

    private record Incoming(
            long id,
            int kind,
            int flags,
            int method,
            byte[] payload,
            int status,
            long arg,
            boolean fits) {
        Incoming(long id, int kind, int flags, byte[] payload, int status, long arg) {
            this(
                    id,
                    kind,
                    payload == null ? flags | Flag.NIL : flags,
                    0,
                    payload,
                    status,
                    arg,
                    true);
        }
    }

    private static final Incoming UNLOAD = new Incoming(0, 0, 0, null, 0, 0);

    final BlockingQueue<Sent> sent = new LinkedBlockingQueue<>();
    final Set<Long> requestMemory = ConcurrentHashMap.newKeySet();
    final List<String> wrongs = new ArrayList<>();
    volatile boolean closed;
    volatile int timeToFinish = 30_000;
    private volatile boolean finishing;
    volatile int batches;

    private final BlockingQueue<Incoming> incoming = new LinkedBlockingQueue<>();
    private final List<String> methods = new ArrayList<>();
    private final AtomicLong ids = new AtomicLong();

    /** Calls a method by name; returns the call's id. */
    long call(String method, String request) {
        return callWith(method, bytes(request), Flag.END, 0, true);
    }

    long callWith(String method, byte[] request, int flags, long window, boolean fits) {
        long id = ids.incrementAndGet();
        int nil = request == null ? Flag.NIL : 0;
        incoming.add(
                new Incoming(id, Kind.CALL, flags | nil, number(method), request, 0, window, fits));
        return id;
    }

    /** Opens a stream; first null = no message yet. */
    long open(String method, String first, long window) {
        return callWith(method, bytes(first), 0, window, true);
    }

    void message(long id, String text) {
        incoming.add(new Incoming(id, Kind.DATA, 0, bytes(text), 0, 0));
    }

    /** Closes the client's direction, with a message or (null) without. */
    void end(long id, String last) {
        incoming.add(new Incoming(id, Kind.DATA, Flag.END, bytes(last), 0, 0));
    }

    void grant(long id, long bytes) {
        incoming.add(new Incoming(id, Kind.WINDOW, 0, null, 0, bytes));
    }

    /** A message of a stream that does not fit into the heap. */
    void messageThatDoesNotFit(long id) {
        incoming.add(new Incoming(id, Kind.DATA, 0, 0, new byte[1000], 0, 0, false));
    }

    void cancel(long id) {
        incoming.add(new Incoming(id, Kind.CANCEL, 0, null, Status.CANCELLED, 0));
    }

    void answerDict(long id, int status, String value) {
        incoming.add(new Incoming(id, Kind.DICT, Flag.END, bytes(value), status, 0));
    }

    void unload() {
        incoming.add(UNLOAD);
    }

    /** The next frame sent; fails the test when no frame comes in time. */
    Sent next() throws InterruptedException {
        Sent frame = sent.poll(10, TimeUnit.SECONDS);
        if (frame == null) {
            throw new AssertionError("nothing was sent for 10 s");
        }
        return frame;
    }

    /** The next frame that is not a line for the log. */
    Sent nextOfCalls() throws InterruptedException {
        Sent frame = next();
        while (frame.kind == Kind.LOG) {
            frame = next();
        }
        return frame;
    }

    @Override
    public int poll(Frames in, int timeoutMillis) {
        try {
            int n = 0;
            for (Incoming frame = incoming.take(); frame != null; frame = incoming.poll()) {
                if (frame == UNLOAD) {
                    if (n == 0) {
                        return Status.UNLOADED;
                    }
                    incoming.add(UNLOAD);
                    return n;
                }
                put(in, n++, frame);
                if (n == Frames.MAX) {
                    return n;
                }
            }
            return n;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public synchronized void send(Frames out, int n) {
        batches++;
        for (int i = 0; i < n; i++) {
            check(!closed, "sent after the close");
            int at = i * Frames.WORDS;
            long[] w = out.words;
            release(w[at + Frames.DATA]);
            release(w[at + Frames.RELEASE]);
            byte[] payload = out.payloads[i];
            check(
                    w[at + Frames.LENGTH] == (payload == null ? 0 : payload.length),
                    "a wrong length");
            byte[] copy = payload == null ? null : payload.clone();
            int flags = (int) (w[at + Frames.HEAD] >>> 16) & 0xffff;
            sent.add(
                    new Sent(
                            out.id(i),
                            out.kind(i),
                            flags,
                            out.status(i),
                            copy,
                            out.method(i),
                            (int) (w[at + Frames.METHOD] >>> 32),
                            w[at + Frames.ARG],
                            w[at + Frames.DEADLINE]));
        }
    }

    @Override
    public synchronized void free(long data) {
        release(data);
    }

    @Override
    public synchronized String method(int number) {
        return methods.get(number);
    }

    @Override
    public String name() {
        return "fake";
    }

    @Override
    public int abi() {
        return 2;
    }

    @Override
    public int generation() {
        return 0;
    }

    @Override
    public void fail(String text) {
        throw new AssertionError(text);
    }

    @Override
    public int finish(boolean busy) {
        check(!closed, "finished after the close");
        finishing = busy;
        return busy ? timeToFinish : 0;
    }

    @Override
    public void close() {
        check(!finishing, "closed before it has said that it has finished");
        check(!closed, "closed twice");
        closed = true;
    }

    private synchronized int number(String method) {
        if (!methods.contains(method)) {
            methods.add(method);
        }
        return methods.indexOf(method);
    }

    private void put(Frames in, int i, Incoming frame) {
        boolean kept = frame.kind == Kind.CALL && frame.payload != null && frame.payload.length > 0;
        long data = kept ? 1_000_000 + frame.id : 0;
        if (kept) {
            requestMemory.add(data);
        }
        int at = i * Frames.WORDS;
        long[] w = in.words;
        w[at + Frames.ID] = frame.id;
        w[at + Frames.HEAD] = frame.kind | (long) frame.flags << 16 | (long) frame.status << 32;
        w[at + Frames.DATA] = data;
        w[at + Frames.LENGTH] = frame.payload == null ? 0 : frame.payload.length;
        w[at + Frames.DEADLINE] = 0;
        w[at + Frames.METHOD] = frame.method | (frame.fits ? 0 : 1L << 32);
        w[at + Frames.ARG] = frame.arg;
        in.payloads[i] =
                frame.fits && frame.payload != null && frame.payload.length > 0
                        ? frame.payload
                        : null;
    }

    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(UTF_8);
    }

    private void release(long data) {
        check(data == 0 || requestMemory.remove(data), "freed what is not there: " + data);
    }

    private void check(boolean ok, String wrong) {
        if (!ok) {
            synchronized (wrongs) {
                wrongs.add(wrong);
            }
        }
    }
}
