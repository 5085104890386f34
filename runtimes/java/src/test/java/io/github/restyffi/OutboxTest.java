package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** Many threads send at once. */
class OutboxTest {
    private static final int THREADS = 8;
    private static final int EACH = 20_000;

    @Test
    void everyFrameIsSentOnceAndInTheOrderOfItsThread() throws InterruptedException {
        FakeQueue queue = new FakeQueue();
        Outbox outbox = new Outbox(queue);
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
            long base = t * 1_000_000L;
            Thread thread =
                    new Thread(
                            () -> {
                                for (int i = 0; i < EACH; i++) {
                                    assertTrue(outbox.send(new Outgoing().end(base + i, 0, null)));
                                }
                            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        outbox.close();
        long[] next = new long[THREADS];
        for (FakeQueue.Sent frame : queue.sent) {
            int thread = (int) (frame.id() / 1_000_000);
            assertEquals(next[thread]++, frame.id() % 1_000_000);
        }
        for (long n : next) {
            assertEquals(EACH, n);
        }
    }

    @Test
    void theCollectingThreadSendsWhenItFlushes() throws InterruptedException {
        FakeQueue queue = new FakeQueue();
        Outbox outbox = new Outbox(queue);
        outbox.collectHere();
        for (int i = 1; i < Frames.MAX; i++) {
            assertTrue(outbox.send(new Outgoing().end(i, 0, null)));
        }
        assertEquals(0, queue.batches);
        outbox.answer(Frames.MAX, 0, null, 0, 0);
        assertEquals(1, queue.batches, "a full batch does not wait");
        outbox.send(new Outgoing().end(Frames.MAX + 1, 0, null));
        outbox.flush();
        outbox.flush();
        assertEquals(2, queue.batches);
        for (int i = 1; i <= Frames.MAX + 1; i++) {
            assertEquals(i, queue.next().id());
        }
    }

    @Test
    void afterTheCloseNothingIsSent() throws InterruptedException {
        FakeQueue queue = new FakeQueue();
        Outbox outbox = new Outbox(queue);
        Thread sender =
                new Thread(
                        () -> {
                            long id = 0;
                            while (outbox.send(new Outgoing().end(++id, 0, null))) {
                                Thread.onSpinWait();
                            }
                        });
        sender.start();
        queue.next();
        outbox.collectHere();
        outbox.close();
        queue.close();
        assertFalse(outbox.send(new Outgoing().end(-1, 0, null)));
        sender.join(5000);
        assertEquals(List.of(), queue.wrongs);
    }
}
