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
    private static final Handler ECHO = (request, call) -> request;

    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch release = new CountDownLatch(1);

    private static RunningRuntime serving(String name, Handler handler) {
        return RunningRuntime.of(FfiRuntime.builder().method(name, handler));
    }

    private byte[] sleep(byte[] request, Call call) throws InterruptedException {
        begun.countDown();
        Thread.sleep(60_000);
        return request;
    }

    /** Waits for its release, and does not hear interrupts. */
    private byte[] spin(byte[] request, Call call) {
        begun.countDown();
        while (release.getCount() > 0) {
            Thread.onSpinWait();
        }
        return request;
    }

    @Test
    void aBlockingHandlerIsInterrupted() throws Exception {
        try (RunningRuntime rt = serving("wait", this::sleep)) {
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
        Handler handler =
                (request, call) -> {
                    try {
                        return sleep(request, call);
                    } catch (InterruptedException e) {
                        return "partial".getBytes();
                    }
                };
        try (RunningRuntime rt = serving("wait", handler)) {
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
        AsyncHandler handler =
                (request, call) -> {
                    Cancellation cancellation = call.cancellation();
                    cancellation.onCancel(() -> cancelledBefore.add(future.isCancelled()));
                    return future;
                };
        try (RunningRuntime rt =
                RunningRuntime.of(FfiRuntime.builder().asyncMethod("wait", handler))) {
            long id = rt.queue.call("wait", "x");
            rt.queue.cancel(id);
            assertEquals(Status.CANCELLED, rt.queue.next().status());
            assertEquals(false, cancelledBefore.poll(10, TimeUnit.SECONDS));
            assertTrue(future.isCancelled());
        }
    }

    @Test
    void anActionMayCompleteTheFuture() throws Exception {
        AsyncHandler handler =
                (request, call) -> {
                    CompletableFuture<byte[]> future = new CompletableFuture<>();
                    call.cancellation().onCancel(() -> future.complete("so far".getBytes()));
                    return future;
                };
        try (RunningRuntime rt =
                RunningRuntime.of(FfiRuntime.builder().asyncMethod("wait", handler))) {
            rt.queue.cancel(rt.queue.call("wait", "x"));
            FakeQueue.Sent answer = rt.queue.next();
            assertEquals("so far", answer.text());
            assertEquals(0, answer.status());
        }
    }

    @Test
    void anActionThatThrowsIsLoggedAndHarmsNothing() throws Exception {
        Runnable action =
                () -> {
                    throw new IllegalStateException("oops");
                };
        AsyncHandler handler =
                (request, call) -> {
                    call.cancellation().onCancel(action);
                    return new CompletableFuture<>();
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .fastMethod("echo", ECHO)
                                .asyncMethod("wait", handler))) {
            rt.queue.cancel(rt.queue.call("wait", "x"));
            FakeQueue.Sent log = rt.queue.next();
            assertEquals(Kind.LOG, log.kind());
            assertTrue(log.text().contains("oops"), log.text());
            assertEquals(Status.CANCELLED, rt.queue.next().status());
            assertEquals("alive", rt.ask("echo", "alive").text());
        }
    }

    @Test
    void aCallThatHasNotBegunNeverDoes() throws Exception {
        ExecutorService one = Executors.newSingleThreadExecutor();
        AtomicBoolean ran = new AtomicBoolean();
        Handler hold =
                (request, call) -> {
                    release.await();
                    return null;
                };
        Handler next =
                (request, call) -> {
                    ran.set(true);
                    return null;
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .executor(one)
                                .onUnload(one::shutdownNow)
                                .method("hold", hold)
                                .method("next", next))) {
            long held = rt.queue.call("hold", "x");
            long cancelled = rt.queue.call("next", "x");
            rt.queue.cancel(cancelled);
            FakeQueue.Sent answer = rt.queue.next();
            assertEquals(cancelled, answer.id());
            assertEquals(Status.CANCELLED, answer.status());
            release.countDown();
            assertEquals(held, rt.queue.next().id());
            rt.unload();
            assertTrue(one.awaitTermination(5, TimeUnit.SECONDS));
            assertFalse(ran.get());
            assertNull(rt.queue.sent.poll());
        }
    }

    @Test
    void anInterruptDoesNotReachTheNextCallOfTheThread() throws Exception {
        ExecutorService one = Executors.newSingleThreadExecutor();
        Handler sleep =
                (request, call) -> {
                    Thread.sleep(20);
                    return "slept".getBytes();
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .executor(one)
                                .onUnload(one::shutdownNow)
                                .method("deaf", this::spin)
                                .method("sleep", sleep))) {
            long deaf = rt.queue.call("deaf", "x");
            begun.await();
            rt.queue.cancel(deaf);
            assertNull(rt.queue.sent.poll(50, TimeUnit.MILLISECONDS));
            release.countDown();
            assertEquals(deaf, rt.queue.next().id());
            assertEquals("slept", rt.ask("sleep", "x").text());
        }
    }

    @Test
    void cancellingWhatHasEndedDoesNothing() throws Exception {
        try (RunningRuntime rt = serving("echo", ECHO)) {
            FakeQueue.Sent answer = rt.ask("echo", "x");
            rt.queue.cancel(answer.id());
            rt.queue.cancel(987654);
            assertEquals("y", rt.ask("echo", "y").text());
            assertTrue(rt.queue.sent.isEmpty());
        }
    }

    @Test
    void deafHandlersCostAThreadEachButNoOtherCall() throws Exception {
        CountDownLatch allBegun = new CountDownLatch(64);
        Handler deaf =
                (request, call) -> {
                    allBegun.countDown();
                    awaitUninterruptibly(release);
                    return null;
                };
        try (RunningRuntime rt =
                RunningRuntime.of(FfiRuntime.builder().method("echo", ECHO).method("deaf", deaf))) {
            long[] ids = new long[64]; // as many as the pool of a JVM without virtual threads
            for (int i = 0; i < ids.length; i++) {
                ids[i] = rt.queue.call("deaf", "x");
            }
            allBegun.await();
            for (long id : ids) {
                rt.queue.cancel(id);
            }
            for (int i = 0; i < 100; i++) {
                assertEquals("y", rt.ask("echo", "y").text());
            }
            release.countDown();
            for (int i = 0; i < ids.length; i++) {
                rt.queue.next();
            }
            assertEquals("y", rt.ask("echo", "y").text());
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        while (latch.getCount() > 0) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                continue;
            }
        }
    }

    @Test
    void cancelledIsSeenByTheHandler() throws Exception {
        Handler handler =
                (request, call) -> {
                    while (!call.cancellation().isCancelled()) {
                        Thread.onSpinWait();
                    }
                    CompletableFuture<byte[]> late = new CompletableFuture<>();
                    call.cancellation().onCancel(() -> late.complete("at once".getBytes()));
                    return late.getNow(null);
                };
        try (RunningRuntime rt = serving("spin", handler)) {
            rt.queue.cancel(rt.queue.call("spin", "x"));
            FakeQueue.Sent answer = rt.queue.next();
            // The cancellation may come before the call begins, which answers it, too. A handler
            // that has begun sees its action run at once.
            assertTrue(
                    "at once".equals(answer.text()) || answer.status() == Status.CANCELLED,
                    answer.text());
        }
    }
}
