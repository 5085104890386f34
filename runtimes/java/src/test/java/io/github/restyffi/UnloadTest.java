package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The end of a runtime. */
class UnloadTest {
    /**
     * Fails if every end waited out the second that deaf handlers have. One quick end is enough: on
     * a busy machine others may be late.
     */
    static void assertNoPatience(Callable<Long> nanosToEnd) throws Exception {
        long best = Long.MAX_VALUE;
        for (int times = 0; times < 20 && best >= TimeUnit.MILLISECONDS.toNanos(900); times++) {
            best = Math.min(best, nanosToEnd.call());
        }
        assertTrue(best < TimeUnit.MILLISECONDS.toNanos(900), "no need to wait");
    }

    @Test
    void whatWaitsIsAnsweredAndWhatRunsIsCancelled() throws Exception {
        assertNoPatience(UnloadTest::endWhileAHandlerRuns);
    }

    private static long endWhileAHandlerRuns() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        Handler block =
                (request, call) -> {
                    begun.countDown();
                    Thread.sleep(60_000);
                    return null;
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .asyncMethod("never", (request, call) -> new CompletableFuture<>())
                                .method("block", block))) {
            for (int i = 0; i < 100; i++) {
                rt.queue.call("never", "x");
            }
            rt.queue.call("block", "x");
            begun.await();
            long start = System.nanoTime();
            rt.unload();
            long took = System.nanoTime() - start;
            for (int i = 0; i < 101; i++) {
                assertEquals(Status.CANCELLED, rt.queue.next().status());
            }
            return took;
        }
    }

    @Test
    void aDeafHandlerIsGivenUpAndItsLateAnswerDropped() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CompletableFuture<Thread> begun = new CompletableFuture<>();
        Handler deaf =
                (request, call) -> {
                    begun.complete(Thread.currentThread());
                    while (release.getCount() > 0) {
                        Thread.onSpinWait();
                    }
                    return request;
                };
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder().method("deaf", deaf))) {
            rt.queue.call("deaf", "x");
            begun.join();
            rt.unload();
            FakeQueue.Sent answer = rt.queue.next();
            assertEquals(Status.UNLOADED, answer.status());
            assertEquals("runtime \"fake\" was unloaded before the call had ended", answer.text());
            release.countDown();
            begun.get().join(5000);
            assertTrue(rt.queue.sent.isEmpty());
        }
    }

    @Test
    void resourcesAreClosedLastFirstAndMayFail() throws Exception {
        List<String> closed = new ArrayList<>();
        AutoCloseable stuck =
                () -> {
                    throw new IllegalStateException("stuck");
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .onUnload(() -> closed.add("first"))
                                .onUnload(stuck)
                                .onUnload(() -> closed.add("last")))) {
            rt.unload();
            assertEquals(List.of("last", "first"), closed);
            assertTrue(rt.queue.next().text().contains("stuck"));
        }
    }

    @Test
    void logAndDictAreSafeAfterwards() throws Exception {
        RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder());
        CompletableFuture<byte[]> pending = rt.services.dict().get("key");
        rt.queue.next();
        rt.close();
        CompletionException e = assertThrows(CompletionException.class, pending::join);
        assertEquals(Status.UNLOADED, ((RestyFfiException) e.getCause()).code());
        rt.services.logger().notice("into the void");
        CompletableFuture<byte[]> late = rt.services.dict().get("key");
        assertTrue(late.isCompletedExceptionally());
        assertEquals(List.of(), rt.queue.wrongs);
    }

    @Test
    void itsThreadsEnd() throws Exception {
        CompletableFuture<Thread> worker = new CompletableFuture<>();
        Handler who =
                (request, call) -> {
                    worker.complete(Thread.currentThread());
                    return null;
                };
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder().method("who", who))) {
            rt.ask("who", null);
        }
        worker.get().join(5000);
        assertFalse(worker.get().isAlive());
    }

    @Test
    void whatIsClosedMayTakeItsTime() throws Exception {
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        AutoCloseable slow =
                () -> {
                    Thread.sleep(1500); // longer than handlers have
                    seen.add("last");
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .fastMethod("echo", (request, call) -> request)
                                .onUnload(() -> seen.add("first"))
                                .onUnload(slow))) {
            rt.ask("echo", "x");
            rt.unload();
            assertEquals(List.of("last", "first"), seen);
        }
    }

    @Test
    void whatTakesLongerIsInterruptedAndThenLeftBehind() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
        AutoCloseable deaf =
                () -> {
                    try {
                        release.await();
                    } catch (InterruptedException e) {
                        interrupted.complete(true);
                    }
                    release.await();
                };
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder().onUnload(deaf))) {
            rt.queue.timeToFinish = 500;
            rt.unload();
            assertTrue(interrupted.get(10, TimeUnit.SECONDS));
            FakeQueue.Sent line = rt.queue.next();
            assertEquals(Kind.LOG, line.kind());
            assertTrue(line.text().contains("was not closed in its time"), line.text());
        } finally {
            release.countDown();
        }
    }
}
