package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Streams, frame by frame. */
class StreamTest {
    private static final long WINDOW = 10_240;

    private static RunningRuntime serving(StreamHandler handler) {
        return RunningRuntime.of(FfiRuntime.builder().streamMethod("stream", handler));
    }

    private static void chat(MessageStream stream, Call call) throws InterruptedException {
        for (byte[] message; (message = stream.receive()) != null; ) {
            stream.send(message);
        }
    }

    private static FakeQueue.Sent message(RunningRuntime rt, long id, String text)
            throws InterruptedException {
        FakeQueue.Sent frame = rt.queue.nextOfCalls();
        assertEquals(id, frame.id());
        assertEquals(Kind.DATA, frame.kind());
        assertEquals(0, frame.flags());
        assertEquals(text, frame.text());
        return frame;
    }

    private static void end(RunningRuntime rt, long id, int status, String text)
            throws InterruptedException {
        FakeQueue.Sent frame = rt.queue.nextOfCalls();
        assertEquals(text, frame.text());
        assertEquals(status, frame.status());
        assertTrue(frame.isEnd());
        assertEquals(text == null, (frame.flags() & Flag.NIL) != 0);
        assertEquals(id, frame.id());
    }

    @Test
    void messagesGoBothWaysUntilTheClientsEnd() throws Exception {
        try (RunningRuntime rt = serving(StreamTest::chat)) {
            long id = rt.queue.open("stream", "first", WINDOW);
            message(rt, id, "first");
            rt.queue.message(id, "");
            message(rt, id, "");
            rt.queue.message(id, "third");
            message(rt, id, "third");
            rt.queue.end(id, null);
            end(rt, id, 0, null);
        }
    }

    @Test
    void theEndMayComeWithAMessageOrWithTheCall() throws Exception {
        try (RunningRuntime rt = serving(StreamTest::chat)) {
            long id = rt.queue.open("stream", null, WINDOW);
            rt.queue.end(id, "last");
            message(rt, id, "last");
            end(rt, id, 0, null);
            id = rt.queue.callWith("stream", "only".getBytes(), Flag.END, WINDOW, true);
            message(rt, id, "only");
            end(rt, id, 0, null);
            id = rt.queue.callWith("stream", null, Flag.END, WINDOW, true);
            end(rt, id, 0, null);
        }
    }

    @Test
    void theHandlerMayEndFirst() throws Exception {
        try (RunningRuntime rt =
                serving(
                        (stream, call) -> {
                            stream.receive();
                            stream.send(call.method().getBytes());
                        })) {
            long id = rt.queue.open("stream", "x", WINDOW);
            message(rt, id, "stream");
            end(rt, id, 0, null);
            rt.queue.message(id, "late");
            rt.queue.grant(id, 5);
            rt.queue.end(id, null);
            rt.queue.cancel(id);
            long next = rt.queue.open("stream", "x", WINDOW);
            message(rt, next, "stream");
            end(rt, next, 0, null);
        }
    }

    @Test
    void afterTheEndReceiveStaysNull() throws Exception {
        try (RunningRuntime rt =
                serving(
                        (stream, call) -> {
                            assertNull(stream.receive());
                            assertNull(stream.receive());
                        })) {
            end(rt, rt.queue.callWith("stream", null, Flag.END, WINDOW, true), 0, null);
        }
    }

    @Test
    void sendWaitsForTheWindow() throws Exception {
        StreamHandler handler =
                (stream, call) -> {
                    for (int i = 0; i < 100; i++) {
                        stream.send(new byte[1000]);
                    }
                };
        try (RunningRuntime rt = serving(handler)) {
            long id = rt.queue.open("stream", null, WINDOW);
            for (int i = 0; i < 11; i++) { // 10 240 bytes are used up by the eleventh
                assertEquals(1000, rt.queue.nextOfCalls().payload().length);
            }
            assertNull(rt.queue.sent.poll(50, TimeUnit.MILLISECONDS));
            rt.queue.grant(id, 760); // 0 left: not enough
            assertNull(rt.queue.sent.poll(50, TimeUnit.MILLISECONDS));
            rt.queue.grant(id, 1);
            rt.queue.nextOfCalls();
            assertNull(rt.queue.sent.poll(50, TimeUnit.MILLISECONDS));
            rt.queue.grant(id, 1_000_000);
            for (int i = 12; i < 100; i++) {
                rt.queue.nextOfCalls();
            }
            end(rt, id, 0, null);
        }
    }

    @Test
    void smallMessagesCostToo() throws Exception {
        try (RunningRuntime rt =
                serving(
                        (stream, call) -> {
                            while (true) {
                                stream.send(new byte[0]);
                            }
                        })) {
            long id = rt.queue.open("stream", null, WINDOW);
            for (int i = 0; i < WINDOW / 256; i++) {
                rt.queue.nextOfCalls();
            }
            assertNull(rt.queue.sent.poll(50, TimeUnit.MILLISECONDS));
            rt.queue.cancel(id);
            assertEquals(Status.CANCELLED, rt.queue.nextOfCalls().status());
        }
    }

    @Test
    void whatWasReceivedIsGivenBackInHalves() throws Exception {
        try (RunningRuntime rt =
                serving(
                        (stream, call) -> {
                            while (stream.receive() != null) {
                                // the window is all that goes back
                            }
                        })) {
            long id = rt.queue.open("stream", "x".repeat(9000), WINDOW); // which costs nothing
            for (int i = 0; i < 5; i++) {
                rt.queue.message(id, "x".repeat(1000));
            }
            rt.queue.message(id, "");
            FakeQueue.Sent frame = rt.queue.next();
            assertEquals(Kind.WINDOW, frame.kind());
            assertEquals(id, frame.id());
            assertEquals(5256, frame.arg());
            for (int i = 0; i < 20; i++) {
                rt.queue.message(id, "");
            }
            assertEquals(5120, rt.queue.next().arg());
            rt.queue.message(id, "x".repeat(9000));
            assertEquals(9000, rt.queue.next().arg());
            rt.queue.end(id, null);
            end(rt, id, 0, null);
        }
    }

    @Test
    void whatTheHandlerDoesNotTakeIsNotGivenBack() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        try (RunningRuntime rt =
                serving(
                        (stream, call) -> {
                            go.await();
                            while (stream.receive() != null) {
                                // slowly at first
                            }
                        })) {
            long id = rt.queue.open("stream", null, WINDOW);
            for (int i = 0; i < 11; i++) {
                rt.queue.message(id, "x".repeat(1000));
            }
            assertNull(rt.queue.sent.poll(50, TimeUnit.MILLISECONDS));
            go.countDown();
            assertEquals(6000, rt.queue.next().arg());
            rt.queue.end(id, null);
            end(rt, id, 0, null);
        }
    }

    /** Waits in a stream until it is cancelled, and keeps what that looks like. */
    private static final class Cancelled implements StreamHandler {
        final CountDownLatch begun = new CountDownLatch(1);
        final CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        final CompletableFuture<Boolean> stillInterrupted = new CompletableFuture<>();
        final AtomicInteger actions = new AtomicInteger();
        private final String what;

        Cancelled(String what) {
            this.what = what;
        }

        @Override
        public void handle(MessageStream stream, Call call) throws Exception {
            call.cancellation().onCancel(actions::incrementAndGet);
            begun.countDown();
            try {
                switch (what) {
                    case "receive" -> stream.receive();
                    case "send" -> sendFor(stream);
                    default -> Thread.sleep(60_000);
                }
            } catch (Exception e) {
                thrown.complete(e);
                stillInterrupted.complete(Thread.currentThread().isInterrupted());
                assertTrue(call.cancellation().isCancelled());
                assertThrows(InterruptedException.class, stream::receive);
                assertThrows(InterruptedException.class, () -> stream.send(new byte[1]));
                throw e;
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"receive", "send", "sleep"})
    void cancellingInterruptsWhateverItDoes(String what) throws Exception {
        Cancelled handler = new Cancelled(what);
        try (RunningRuntime rt = serving(handler)) {
            long id = rt.queue.open("stream", null, 1);
            handler.begun.await();
            if (what.equals("send")) {
                rt.queue.nextOfCalls();
            }
            Thread.sleep(20);
            rt.queue.cancel(id);
            assertEquals(Status.CANCELLED, rt.queue.nextOfCalls().status());
            assertEquals(InterruptedException.class, handler.thrown.get().getClass());
            assertEquals(false, handler.stillInterrupted.get());
            assertEquals(1, handler.actions.get());
            assertTrue(rt.queue.sent.isEmpty(), "nothing is logged");
        }
    }

    private static void sendFor(MessageStream stream) throws InterruptedException {
        while (true) {
            stream.send(new byte[1]);
        }
    }

    @Test
    void cancellingWakesHelpersToo() throws Exception {
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        CountDownLatch begun = new CountDownLatch(1);
        StreamHandler handler =
                (stream, call) -> {
                    new Thread(() -> thrown.complete(thrownBy(stream::receive))).start();
                    begun.countDown();
                    Thread.sleep(60_000);
                };
        try (RunningRuntime rt = serving(handler)) {
            long id = rt.queue.open("stream", null, 1);
            begun.await();
            rt.queue.cancel(id);
            assertEquals(Status.CANCELLED, rt.queue.nextOfCalls().status());
            assertEquals(InterruptedException.class, thrown.get(5, TimeUnit.SECONDS).getClass());
        }
    }

    private static Exception thrownBy(Executable what) {
        return assertThrows(Exception.class, what);
    }

    @Test
    void aHandlerThatReturnsWhenCancelledHasItsStreamCancelled() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        try (RunningRuntime rt =
                serving(
                        (stream, call) -> {
                            begun.countDown();
                            while (!call.cancellation().isCancelled()) {
                                Thread.onSpinWait();
                            }
                        })) {
            long id = rt.queue.open("stream", null, 1);
            begun.await();
            rt.queue.cancel(id);
            assertEquals(Status.CANCELLED, rt.queue.nextOfCalls().status());
        }
    }

    @Test
    void afterTheHandlersEndTheStreamIsOver() throws Exception {
        CompletableFuture<MessageStream> kept = new CompletableFuture<>();
        CompletableFuture<Throwable> waited = new CompletableFuture<>();
        CountDownLatch waits = new CountDownLatch(1);
        StreamHandler handler =
                (stream, call) -> {
                    kept.complete(stream);
                    Executable send =
                            () -> {
                                waits.countDown();
                                sendFor(stream);
                            };
                    new Thread(() -> waited.complete(thrownBy(send))).start();
                    waits.await();
                    stream.receive();
                };
        try (RunningRuntime rt = serving(handler)) {
            long id = rt.queue.open("stream", null, 1);
            message(rt, id, "\0");
            rt.queue.end(id, null);
            end(rt, id, 0, null);
            String text = "the stream of method \"stream\" has ended";
            assertEquals(text, waited.get(5, TimeUnit.SECONDS).getMessage());
            MessageStream stream = kept.get();
            Consumer<Exception> check = e -> assertEquals(text, e.getMessage());
            check.accept(assertThrows(IllegalStateException.class, () -> stream.send(new byte[1])));
            check.accept(assertThrows(IllegalStateException.class, stream::receive));
            assertTrue(rt.queue.sent.isEmpty());
        }
    }

    @Test
    void errorsEndTheStream() throws Exception {
        try (RunningRuntime rt =
                serving(
                        (stream, call) -> {
                            stream.send("one".getBytes());
                            if (new String(stream.receive(), UTF_8).equals("coded")) {
                                throw new RestyFfiException(7, "mid-stream");
                            }
                            throw new IllegalStateException("unexpected");
                        })) {
            long id = rt.queue.open("stream", "coded", WINDOW);
            message(rt, id, "one");
            end(rt, id, 7, "mid-stream");
            assertTrue(rt.queue.sent.isEmpty(), "which was expected and is not logged");
            id = rt.queue.open("stream", "other", WINDOW);
            message(rt, id, "one");
            FakeQueue.Sent log = rt.queue.next();
            assertEquals(Kind.LOG, log.kind());
            assertTrue(log.text().startsWith("method \"stream\" threw: "), log.text());
            assertTrue(log.text().contains("\tat " + StreamTest.class.getName()), log.text());
            end(rt, id, Status.THREW, "java.lang.IllegalStateException: unexpected");
        }
    }

    @Test
    void aMessageThatDoesNotFitTheHeapFailsTheStream() throws Exception {
        try (RunningRuntime rt = serving(StreamTest::chat)) {
            long id = rt.queue.open("stream", "fits", WINDOW);
            message(rt, id, "fits");
            rt.queue.messageThatDoesNotFit(id);
            FakeQueue.Sent frame = rt.queue.nextOfCalls();
            assertEquals(Status.THREW, frame.status());
            assertTrue(frame.text().contains("JAVA_OPTS=-Xmx"), frame.text());
        }
    }

    @Test
    void nullIsNoMessage() throws Exception {
        try (RunningRuntime rt = serving((stream, call) -> stream.send(null))) {
            rt.queue.open("stream", null, WINDOW);
            FakeQueue.Sent frame = rt.queue.nextOfCalls();
            assertEquals(Status.THREW, frame.status());
            assertTrue(frame.text().contains("must not be null"), frame.text());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fast", "plain", "done", "later"})
    void aPlainMethodIsAStreamOfOneMessage(String method) throws Exception {
        AsyncHandler done =
                (request, call) -> CompletableFuture.completedFuture(told(request, call));
        AsyncHandler later =
                (request, call) -> CompletableFuture.supplyAsync(() -> told(request, call));
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .fastMethod("fast", StreamTest::told)
                                .method("plain", StreamTest::told)
                                .asyncMethod("done", done)
                                .asyncMethod("later", later))) {
            end(rt, rt.queue.open(method, "hello", WINDOW), 0, "hello");
            long id = rt.queue.open(method, null, WINDOW);
            assertNull(rt.queue.sent.poll(20, TimeUnit.MILLISECONDS));
            rt.queue.message(id, "later");
            rt.queue.message(id, "a second one is too much");
            rt.queue.end(id, null);
            end(rt, id, 0, "later");
            id = rt.queue.open(method, null, WINDOW);
            rt.queue.end(id, "with the end");
            end(rt, id, 0, "with the end");
            id = rt.queue.open(method, null, WINDOW);
            rt.queue.end(id, null);
            end(rt, id, 0, null);
            end(rt, rt.queue.callWith(method, null, Flag.END, WINDOW, true), 0, null);
            end(rt, rt.queue.open(method, "fail", WINDOW), 22, "failed");
            id = rt.queue.open(method, null, WINDOW);
            rt.queue.cancel(id);
            assertEquals(Status.CANCELLED, rt.queue.nextOfCalls().status());
            id = rt.queue.open(method, null, WINDOW);
            rt.queue.messageThatDoesNotFit(id);
            assertEquals(Status.THREW, rt.queue.nextOfCalls().status());
        }
    }

    private static byte[] told(byte[] request, Call call) {
        if (request != null && new String(request, UTF_8).equals("fail")) {
            throw new RestyFfiException(22, "failed");
        }
        return request;
    }

    @Test
    void aStreamIsNoPlainMethod() throws Exception {
        try (RunningRuntime rt = serving(StreamTest::chat)) {
            FakeQueue.Sent answer = rt.ask("stream", "x");
            assertEquals(Status.BAD_ARGUMENT, answer.status());
            assertEquals("\"stream\" is a stream: open it with resty_ffi.stream", answer.text());
            assertTrue(rt.queue.sent.isEmpty(), "nothing is logged");
        }
    }

    @Test
    void aDefaultStreamTakesEveryOtherName() throws Exception {
        StreamHandler name = (stream, call) -> stream.send(call.method().getBytes());
        try (RunningRuntime rt =
                RunningRuntime.of(FfiRuntime.builder().defaultStreamMethod(name))) {
            long id = rt.queue.open("anything", null, WINDOW);
            message(rt, id, "anything");
            end(rt, id, 0, null);
            assertEquals(Status.BAD_ARGUMENT, rt.ask("other", null).status());
        }
    }

    @Test
    void manyStreamsHaveAThreadEach() throws Exception {
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .streamMethod("stream", StreamTest::chat)
                                .method("echo", (request, call) -> request))) {
            List<Long> ids = new ArrayList<>();
            for (int i = 0; i < 150; i++) {
                ids.add(rt.queue.open("stream", null, WINDOW));
            }
            assertEquals("alive", rt.ask("echo", "alive").text());
            for (long id : ids) {
                rt.queue.message(id, "m" + id);
                message(rt, id, "m" + id);
            }
            for (long id : ids) {
                rt.queue.end(id, null);
                end(rt, id, 0, null);
            }
        }
    }

    @Test
    void theAuthorsExecutorServesStreamsToo() throws Exception {
        CompletableFuture<Thread> ran = new CompletableFuture<>();
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .executor(task -> new Thread(task, "mine").start())
                                .streamMethod(
                                        "stream",
                                        (stream, call) -> ran.complete(Thread.currentThread())))) {
            end(rt, rt.queue.open("stream", null, WINDOW), 0, null);
            assertEquals("mine", ran.get().getName());
            assertNotSame(rt.thread, ran.get());
        }
    }

    @Test
    void unloadingCancelsStreams() throws Exception {
        UnloadTest.assertNoPatience(StreamTest::endWithStreams);
    }

    private static long endWithStreams() throws Exception {
        CountDownLatch begun = new CountDownLatch(3);
        StreamHandler receive =
                (stream, call) -> {
                    begun.countDown();
                    stream.receive();
                };
        StreamHandler send =
                (stream, call) -> {
                    stream.send(new byte[1]);
                    begun.countDown();
                    sendFor(stream);
                };
        Handler plain =
                (request, call) -> {
                    begun.countDown();
                    Thread.sleep(60_000);
                    return null;
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .streamMethod("receive", receive)
                                .streamMethod("send", send)
                                .method("plain", plain)
                                .fastMethod("awaited", (request, call) -> request))) {
            rt.queue.open("receive", null, 1);
            rt.queue.open("send", null, 1);
            rt.queue.open("plain", "x", 1);
            rt.queue.open("awaited", null, 1);
            begun.await();
            assertEquals(1, rt.queue.next().payload().length);
            long start = System.nanoTime();
            rt.unload();
            long took = System.nanoTime() - start;
            for (int i = 0; i < 4; i++) {
                FakeQueue.Sent frame = rt.queue.next();
                assertTrue(frame.isEnd());
                assertEquals(Status.CANCELLED, frame.status());
            }
            assertTrue(rt.queue.sent.isEmpty());
            return took;
        }
    }

    @Test
    void nothingIsLeftOfStreamsInSequence() throws Exception {
        try (RunningRuntime rt = serving(StreamTest::chat)) {
            for (int i = 0; i < 10_000; i++) {
                long id = rt.queue.open("stream", "x", WINDOW);
                rt.queue.next();
                if (i % 3 == 0) {
                    rt.queue.cancel(id);
                } else {
                    rt.queue.end(id, null);
                }
                assertTrue(rt.queue.next().isEnd());
            }
            assertEquals(0, rt.callsInFlight());
            assertTrue(rt.queue.sent.isEmpty());
        }
    }

    @Test
    void sendersOnSeveralThreadsTakeTurns() throws Exception {
        StreamHandler handler =
                (stream, call) -> {
                    List<Thread> threads = new ArrayList<>();
                    for (int t = 0; t < 4; t++) {
                        Thread thread = new Thread(() -> send(stream, 500));
                        threads.add(thread);
                        thread.start();
                    }
                    for (Thread thread : threads) {
                        thread.join();
                    }
                };
        try (RunningRuntime rt = serving(handler)) {
            long id = rt.queue.open("stream", null, WINDOW);
            int n = 0;
            for (FakeQueue.Sent frame; !(frame = rt.queue.next()).isEnd(); n++) {
                if (n % 10 == 9) {
                    rt.queue.grant(id, 2560);
                }
            }
            assertEquals(2000, n);
        }
    }

    private static void send(MessageStream stream, int messages) {
        try {
            for (int i = 0; i < messages; i++) {
                stream.send(new byte[1]);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
