package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends frames to the host in batches. The polling thread collects its frames until it flushes.
 * Other threads push their frames to a list. A thread that finds no sender becomes the sender, and
 * also sends the frames that other threads push in the meantime. So no thread waits. The frames of
 * one thread keep their order.
 */
final class Outbox {
    private static final int CLOSED = Integer.MIN_VALUE;

    private final Queue queue;

    private final Frames collected = new Frames();
    private int count;
    private @Nullable Thread collector;

    private final Frames batch = new Frames();
    private final AtomicReference<@Nullable Outgoing> newest = new AtomicReference<>();

    /** Pushes since the sender last looked. 0: there is no sender. Negative: closed. */
    private final AtomicInteger came = new AtomicInteger();

    Outbox(Queue queue) {
        this.queue = queue;
    }

    /** Makes the current thread the collecting thread. */
    void collectHere() {
        collector = Thread.currentThread();
    }

    /** Answers a call and gives the memory of its request back. On the collecting thread. */
    void answer(long id, int status, byte @Nullable [] payload, long data, long capacity) {
        collected.answer(count++, id, status, payload, data, capacity);
        flushIfFull();
    }

    /** Sends the collected frames. On the collecting thread. */
    void flush() {
        if (count > 0) {
            int n = count;
            count = 0;
            queue.send(collected, n);
            collected.clearPayloads(n);
        }
    }

    /** Sends a frame, at once or with the next batch. False: the runtime has ended. */
    boolean send(Outgoing frame) {
        if (Thread.currentThread() == collector) {
            return collect(frame);
        }
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

    /** Sends what is left. The queue is not used after that. On the collecting thread. */
    void close() {
        flush();
        while (!came.compareAndSet(0, CLOSED)) {
            LockSupport.parkNanos(20_000);
        }
        newest.set(null);
    }

    private boolean collect(Outgoing frame) {
        if (came.get() < 0) {
            return false;
        }
        collected.put(count++, frame);
        flushIfFull();
        return true;
    }

    private void flushIfFull() {
        if (count == Frames.MAX) {
            flush();
        }
    }

    private void sendAll() {
        int seen = 1;
        do {
            sendOldestFirst(reverse(newest.getAndSet(null)));
            seen = came.addAndGet(-seen);
        } while (seen != 0);
    }

    private void sendOldestFirst(@Nullable Outgoing frame) {
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

    private static @Nullable Outgoing reverse(@Nullable Outgoing frame) {
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
