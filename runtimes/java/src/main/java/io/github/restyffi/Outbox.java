package io.github.restyffi;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Gathers frames of many threads into batches: who finds nobody sending sends, for the others too
 * that come meanwhile. Nobody waits.
 */
final class Outbox {
    private static final int CLOSED = Integer.MIN_VALUE;

    private final Queue queue;
    private final Frames batch = new Frames();
    private final AtomicReference<Outgoing> newest = new AtomicReference<>();

    /**
     * How often somebody came since the sender last looked; 0 = nobody sends; negative = closed.
     */
    private final AtomicInteger came = new AtomicInteger();

    Outbox(Queue queue) {
        this.queue = queue;
    }

    /** Sends a frame, soon. False, and the frame is dropped, after the end of the runtime. */
    boolean send(Outgoing frame) {
        Outgoing before;
        do {
            before = newest.get();
            frame.next = before;
        } while (!newest.compareAndSet(before, frame));
        int others = came.getAndIncrement();
        if (others == 0) {
            sendAll();
        }
        return others >= 0;
    }

    /** After this the queue is touched no more. */
    void close() {
        while (!came.compareAndSet(0, CLOSED)) {
            LockSupport.parkNanos(20_000);
        }
        newest.set(null);
    }

    private void sendAll() {
        int seen = 1;
        do {
            sendOldestFirst(reverse(newest.getAndSet(null)));
            seen = came.addAndGet(-seen);
        } while (seen != 0);
    }

    private void sendOldestFirst(Outgoing frame) {
        while (frame != null) {
            int n = 0;
            for (; frame != null && n < Frames.MAX; n++) {
                Outgoing next = frame.next;
                frame.next = null;
                batch.put(n, frame);
                frame = next;
            }
            queue.send(batch, n);
            batch.clearPayloads(n);
        }
    }

    private static Outgoing reverse(Outgoing frame) {
        Outgoing reversed = null;
        while (frame != null) {
            Outgoing next = frame.next;
            frame.next = reversed;
            reversed = frame;
            frame = next;
        }
        return reversed;
    }
}
