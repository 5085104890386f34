package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What callers get from each kind of handler. */
class AnswerTest {
    private static FfiRuntime.Builder echo(FfiRuntime.Builder b) {
        return b.fastMethod("fast", (request, call) -> request)
                .method("plain", (request, call) -> request)
                .asyncMethod("done", (request, call) -> CompletableFuture.completedStage(request))
                .asyncMethod(
                        "later", (request, call) -> CompletableFuture.supplyAsync(() -> request));
    }

    @ParameterizedTest
    @ValueSource(strings = {"fast", "plain", "done", "later"})
    void bytesEmptyAndNilStayApart(String method) throws InterruptedException {
        try (RunningRuntime rt = RunningRuntime.of(echo(FfiRuntime.builder()))) {
            assertEquals("hello", rt.ask(method, "hello").text());
            assertEquals(0, rt.ask(method, "hello").status());
            FakeQueue.Sent empty = rt.ask(method, "");
            assertArrayEquals(new byte[0], empty.payload());
            assertEquals(Flag.END, empty.flags());
            FakeQueue.Sent nil = rt.ask(method, null);
            assertNull(nil.payload());
            assertEquals(Flag.END | Flag.NIL, nil.flags());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fast", "plain", "done", "later"})
    void manyCallsAreAnsweredOnceEach(String method) throws InterruptedException {
        try (RunningRuntime rt = RunningRuntime.of(echo(FfiRuntime.builder()))) {
            Set<Long> ids = new HashSet<>();
            for (int i = 0; i < 1000; i++) {
                ids.add(rt.queue.call(method, "request " + i));
            }
            for (int i = 0; i < 1000; i++) {
                FakeQueue.Sent answer = rt.queue.next();
                assertTrue(ids.remove(answer.id()));
                assertEquals("request " + (answer.id() - 1), answer.text());
            }
            assertTrue(rt.queue.sent.isEmpty());
        }
    }

    @Test
    void aBatchOfFastCallsIsAnsweredInOneGo() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        Handler hold =
                (request, call) -> {
                    begun.countDown();
                    release.await();
                    return null;
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .fastMethod("echo", (request, call) -> request)
                                .fastMethod("hold", hold))) {
            rt.queue.call("hold", "x");
            begun.await();
            for (int i = 0; i < 50; i++) {
                rt.queue.call("echo", "x");
            }
            release.countDown();
            for (int i = 0; i < 51; i++) {
                rt.queue.next();
            }
            assertEquals(2, rt.queue.batches);
        }
    }

    @Test
    void anAnswerMayBeLongerThanItsRequest() throws InterruptedException {
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .fastMethod("long", (request, call) -> new byte[5000]))) {
            assertEquals(5000, rt.ask("long", "x").payload().length);
        }
    }

    @Test
    void anUnknownMethodIsToldWhichThereAre() throws InterruptedException {
        try (RunningRuntime rt = RunningRuntime.of(echo(FfiRuntime.builder()))) {
            FakeQueue.Sent answer = rt.ask("nope", "x");
            assertEquals(Status.NO_METHOD, answer.status());
            assertEquals(
                    "runtime \"fake\" has no method \"nope\"; it has: done, fast, later, plain",
                    answer.text());
        }
    }

    @Test
    void aDefaultMethodTakesEveryOtherName() throws InterruptedException {
        try (RunningRuntime rt =
                RunningRuntime.of(
                        echo(FfiRuntime.builder())
                                .defaultMethod((request, call) -> call.method().getBytes()))) {
            assertEquals("anything", rt.ask("anything", "x").text());
            assertEquals("x", rt.ask("fast", "x").text());
        }
    }

    @Test
    void defaultMethodsMayBeFastOrAsync() throws InterruptedException {
        Handler name = (request, call) -> call.method().getBytes();
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder().defaultFastMethod(name))) {
            assertEquals("fast", rt.ask("fast", null).text());
        }
        AsyncHandler later =
                (request, call) -> CompletableFuture.completedFuture(call.method().getBytes());
        try (RunningRuntime rt =
                RunningRuntime.of(FfiRuntime.builder().defaultAsyncMethod(later))) {
            assertEquals("async", rt.ask("async", null).text());
        }
    }

    @Test
    void aRequestThatDoesNotFitTheHeapFailsItsCall() throws InterruptedException {
        try (RunningRuntime rt = RunningRuntime.of(echo(FfiRuntime.builder()))) {
            rt.queue.callWith("fast", new byte[1000], Flag.END, 0, false);
            FakeQueue.Sent answer = rt.queue.next();
            assertEquals(Status.THREW, answer.status());
            assertTrue(answer.text().contains("JAVA_OPTS=-Xmx"), answer.text());
            assertEquals("x", rt.ask("fast", "x").text());
        }
    }

    @Test
    void aHandlerThatBlocksStopsNoOther() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        Handler block =
                (request, call) -> {
                    release.await();
                    return request;
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .method("echo", (request, call) -> request)
                                .method("block", block))) {
            Set<Long> blocked = new HashSet<>();
            for (int i = 0; i < 10; i++) {
                blocked.add(rt.queue.call("block", "x"));
            }
            assertEquals("go on", rt.ask("echo", "go on").text());
            release.countDown();
            for (int i = 0; i < 10; i++) {
                assertTrue(blocked.remove(rt.queue.next().id()));
            }
        }
    }

    @Test
    void moreBlockingCallsThanThreadsAllEnd() throws Exception {
        Handler block =
                (request, call) -> {
                    Thread.sleep(5);
                    return request;
                };
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder().method("block", block))) {
            for (int i = 0; i < 300; i++) {
                rt.queue.call("block", "x");
            }
            for (int i = 0; i < 300; i++) {
                assertEquals(0, rt.queue.next().status());
            }
        }
    }

    @Test
    void theAuthorsExecutorIsUsed() throws Exception {
        CompletableFuture<Thread> ran = new CompletableFuture<>();
        Handler who =
                (request, call) -> {
                    ran.complete(Thread.currentThread());
                    return null;
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .executor(task -> new Thread(task, "mine").start())
                                .method("who", who))) {
            rt.ask("who", null);
            assertEquals("mine", ran.get(10, TimeUnit.SECONDS).getName());
        }
    }

    @Test
    void handlersThatMayBlockRunElsewhere() throws InterruptedException {
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .method("plain", (request, call) -> currentThread())
                                .fastMethod("fast", (request, call) -> currentThread()))) {
            assertEquals(Long.toString(rt.thread.getId()), rt.ask("fast", null).text());
            assertNotEquals(Long.toString(rt.thread.getId()), rt.ask("plain", null).text());
        }
    }

    @SuppressWarnings("deprecation") // threadId() is of Java 19
    private static byte[] currentThread() {
        return Long.toString(Thread.currentThread().getId()).getBytes();
    }
}
