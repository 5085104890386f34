package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Calls that nobody waits for any more. */
class CancelTest {
    @Test
    void aBlockingHandlerIsInterrupted() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        try (RunningRuntime rt =
                RunningRuntime.of(
                        b ->
                                b.method(
                                        "wait",
                                        (request, call) -> {
                                            begun.countDown();
                                            Thread.sleep(60_000);
                                            return null;
                                        }))) {
            long id = rt.queue.call("wait", "x");
            begun.await();
            rt.queue.cancel(id);
            FakeQueue.Sent answer = rt.queue.next();
            assertEquals(id, answer.id());
            assertEquals(Status.CANCELLED, answer.status());
        }
    }

    @Test
    void aHandlerMayStillAnswer() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        try (RunningRuntime rt =
                RunningRuntime.of(
                        b ->
                                b.method(
                                        "wait",
                                        (request, call) -> {
                                            begun.countDown();
                                            try {
                                                Thread.sleep(60_000);
                                            } catch (InterruptedException e) {
                                                return "partial".getBytes();
                                            }
                                            return null;
                                        }))) {
            long id = rt.queue.call("wait", "x");
            begun.await();
            rt.queue.cancel(id);
            FakeQueue.Sent answer = rt.queue.next();
            assertEquals(0, answer.status());
            assertEquals("partial", answer.text());
        }
    }

    @Test
    void aFutureIsCancelledAfterItsActions() throws Exception {
        CompletableFuture<byte[]> future = new CompletableFuture<>();
        BlockingQueue<Boolean> cancelledBefore = new ArrayBlockingQueue<>(1);
        try (RunningRuntime rt =
                RunningRuntime.of(
                        b ->
                                b.asyncMethod(
                                        "wait",
                                        (request, call) -> {
                                            call.cancellation()
                                                    .onCancel(
                                                            () ->
                                                                    cancelledBefore.add(
                                                                            future.isCancelled()));
                                            return future;
                                        }))) {
            long id = rt.queue.call("wait", "x");
            rt.queue.cancel(id);
            assertEquals(Status.CANCELLED, rt.queue.next().status());
            assertEquals(false, cancelledBefore.poll(1, TimeUnit.SECONDS));
            assertTrue(future.isCancelled());
        }
    }

    @Test
    void anActionMayCompleteTheFuture() throws Exception {
        try (RunningRuntime rt =
                RunningRuntime.of(
                        b ->
                                b.asyncMethod(
                                        "wait",
                                        (request, call) -> {
                                            CompletableFuture<byte[]> f = new CompletableFuture<>();
                                            call.cancellation()
                                                    .onCancel(
                                                            () -> f.complete("so far".getBytes()));
                                            return f;
                                        }))) {
            rt.queue.cancel(rt.queue.call("wait", "x"));
            FakeQueue.Sent answer = rt.queue.next();
            assertEquals("so far", answer.text());
            assertEquals(0, answer.status());
        }
    }

    @Test
    void anActionThatThrowsIsLoggedAndHarmsNothing() throws Exception {
        try (RunningRuntime rt =
                RunningRuntime.of(
                        b ->
                                b.fastMethod("echo", (request, call) -> request)
                                        .asyncMethod(
                                                "wait",
                                                (request, call) -> {
                                                    call.cancellation()
                                                            .onCancel(
                                                                    () -> {
                                                                        throw new IllegalStateException(
                                                                                "oops");
                                                                    });
                                                    return new CompletableFuture<>();
                                                }))) {
            rt.queue.cancel(rt.queue.call("wait", "x"));
            FakeQueue.Sent log = rt.queue.next();
            assertEquals(Frames.LOG, log.kind());
            assertTrue(log.text().contains("oops"), log.text());
            assertEquals(Status.CANCELLED, rt.queue.next().status());
            assertEquals("alive", rt.ask("echo", "alive").text());
        }
    }

    @Test
    void aCallThatHasNotBegunNeverDoes() throws Exception {
        ExecutorService one = Executors.newSingleThreadExecutor();
        CountDownLatch release = new CountDownLatch(1);
        AtomicBoolean ran = new AtomicBoolean();
        try (RunningRuntime rt =
                RunningRuntime.of(
                        b ->
                                b.executor(one)
                                        .onUnload(one::shutdownNow)
                                        .method(
                                                "hold",
                                                (request, call) -> {
                                                    release.await();
                                                    return null;
                                                })
                                        .method(
                                                "next",
                                                (request, call) -> {
                                                    ran.set(true);
                                                    return null;
                                                }))) {
            long hold = rt.queue.call("hold", "x");
            long next = rt.queue.call("next", "x");
            rt.queue.cancel(next);
            FakeQueue.Sent answer = rt.queue.next();
            assertEquals(next, answer.id());
            assertEquals(Status.CANCELLED, answer.status());
            release.countDown();
            assertEquals(hold, rt.queue.next().id());
            rt.unload();
            assertTrue(one.awaitTermination(5, TimeUnit.SECONDS));
            assertFalse(ran.get());
            assertNull(rt.queue.sent.poll());
        }
    }

    @Test
    void anInterruptDoesNotReachTheNextCallOfTheThread() throws Exception {
        ExecutorService one = Executors.newSingleThreadExecutor();
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        try (RunningRuntime rt =
                RunningRuntime.of(
                        b ->
                                b.executor(one)
                                        .onUnload(one::shutdownNow)
                                        .method(
                                                "deaf",
                                                (request, call) -> {
                                                    begun.countDown();
                                                    while (release.getCount() > 0) {
                                                        Thread.onSpinWait();
                                                    }
                                                    return null;
                                                })
                                        .method(
                                                "sleep",
                                                (request, call) -> {
                                                    Thread.sleep(20);
                                                    return "slept".getBytes();
                                                }))) {
            long deaf = rt.queue.call("deaf", "x");
            begun.await();
            rt.queue.cancel(deaf);
            assertEquals(null, rt.queue.sent.poll(50, TimeUnit.MILLISECONDS));
            release.countDown();
            assertEquals(deaf, rt.queue.next().id());
            assertEquals("slept", rt.ask("sleep", "x").text());
        }
    }

    @Test
    void cancellingWhatHasEndedDoesNothing() throws Exception {
        try (RunningRuntime rt =
                RunningRuntime.of(b -> b.method("echo", (request, call) -> request))) {
            FakeQueue.Sent answer = rt.ask("echo", "x");
            rt.queue.cancel(answer.id());
            rt.queue.cancel(987654);
            assertEquals("y", rt.ask("echo", "y").text());
            assertTrue(rt.queue.sent.isEmpty());
        }
    }

    @Test
    void deafHandlersCostAThreadEachButNoOtherCall() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(64);
        try (RunningRuntime rt =
                RunningRuntime.of(
                        b ->
                                b.method("echo", (request, call) -> request)
                                        .method(
                                                "deaf",
                                                (request, call) -> {
                                                    begun.countDown();
                                                    while (release.getCount() > 0) {
                                                        try {
                                                            release.await();
                                                        } catch (InterruptedException e) {
                                                            continue; // deaf
                                                        }
                                                    }
                                                    return null;
                                                }))) {
            long[] deaf = new long[64]; // as many as the pool of a JVM without virtual threads
            for (int i = 0; i < deaf.length; i++) {
                deaf[i] = rt.queue.call("deaf", "x");
            }
            begun.await();
            for (long id : deaf) {
                rt.queue.cancel(id);
            }
            for (int i = 0; i < 100; i++) {
                assertEquals("y", rt.ask("echo", "y").text());
            }
            release.countDown();
            for (int i = 0; i < deaf.length; i++) {
                rt.queue.next();
            }
            assertEquals("y", rt.ask("echo", "y").text());
        }
    }

    @Test
    void cancelledIsSeenByTheHandler() throws Exception {
        try (RunningRuntime rt =
                RunningRuntime.of(
                        b ->
                                b.method(
                                        "spin",
                                        (request, call) -> {
                                            while (!call.cancellation().isCancelled()) {
                                                Thread.onSpinWait();
                                            }
                                            CompletableFuture<byte[]> late =
                                                    new CompletableFuture<>();
                                            call.cancellation()
                                                    .onCancel(
                                                            () ->
                                                                    late.complete(
                                                                            "at once".getBytes()));
                                            return late.getNow(null);
                                        }))) {
            rt.queue.cancel(rt.queue.call("spin", "x"));
            FakeQueue.Sent answer = rt.queue.next();
            // begun or not when the cancellation came, it is answered; a handler that ran saw its
            // action run at once
            assertTrue(
                    "at once".equals(answer.text()) || answer.status() == Status.CANCELLED,
                    answer.text());
        }
    }
}
