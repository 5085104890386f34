package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/** Handlers that fail, in every way: the call is answered and the next one works. */
class FailureTest {
    private static RunningRuntime failing(Handler handler) {
        AsyncHandler async =
                (request, call) -> CompletableFuture.completedFuture(handler.handle(request, call));
        AsyncHandler later =
                (request, call) ->
                        CompletableFuture.supplyAsync(() -> unchecked(handler, request, call));
        return RunningRuntime.of(
                FfiRuntime.builder()
                        .fastMethod("echo", (request, call) -> request)
                        .fastMethod("fast", handler)
                        .method("plain", handler)
                        .asyncMethod("async", async)
                        .asyncMethod("later", later));
    }

    private static Handler throwing(Exception thrown) {
        return (request, call) -> {
            throw thrown;
        };
    }

    private static byte[] unchecked(Handler handler, byte[] request, Call call) {
        try {
            return handler.handle(request, call);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Exception e) {
            throw new CompletionException(e);
        }
    }

    private static void check(RunningRuntime rt, String method, int status, String text)
            throws InterruptedException {
        FakeQueue.Sent answer = rt.ask(method, "x");
        assertEquals(text, answer.text());
        assertEquals(status, answer.status());
        assertEquals("alive", rt.ask("echo", "alive").text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"fast", "plain", "async", "later"})
    void aCodeAndAMessageArriveAsTheyAre(String method) throws InterruptedException {
        try (RunningRuntime rt =
                failing(throwing(new RestyFfiException(42, "no such user: Łukasz")))) {
            check(rt, method, 42, "no such user: Łukasz");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fast", "plain", "async", "later"})
    void anyOtherExceptionIsToldByItsText(String method) throws InterruptedException {
        try (RunningRuntime rt = failing(throwing(new IOException("disk on fire")))) {
            check(rt, method, Status.THREW, "java.io.IOException: disk on fire");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fast", "plain", "async", "later"})
    void errorsAreAnsweredToo(String method) throws InterruptedException {
        try (RunningRuntime rt = failing((request, call) -> new byte[] {(byte) endless(1)})) {
            check(rt, method, Status.THREW, "java.lang.StackOverflowError");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fast", "plain", "async", "later"})
    void runningOutOfMemoryIsAnsweredWithAdvice(String method) throws InterruptedException {
        try (RunningRuntime rt = failing((request, call) -> tooMuch().toString().getBytes())) {
            FakeQueue.Sent answer = rt.ask(method, "x");
            assertEquals(Status.THREW, answer.status());
            assertTrue(answer.text().contains("JAVA_OPTS=-Xmx"), answer.text());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fast", "plain", "async"}) // the JDK itself loses it in supplyAsync
    void aThrowableWhoseTextThrowsIsToldByItsClass(String method) throws InterruptedException {
        class Hostile extends RuntimeException {
            private static final long serialVersionUID = 1L;

            @Override
            public String toString() {
                throw new IllegalStateException("no text either");
            }
        }
        try (RunningRuntime rt = failing(throwing(new Hostile()))) {
            check(rt, method, Status.THREW, Hostile.class.getName());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fast", "plain", "async", "later"})
    void theLogTellsWhereTheUnexpectedCameFrom(String method) throws InterruptedException {
        try (RunningRuntime rt = failing(throwing(new IllegalStateException("unexpected")))) {
            rt.queue.call(method, "x");
            FakeQueue.Sent log = rt.queue.next();
            assertEquals(Kind.LOG, log.kind());
            assertEquals(4, log.status());
            assertTrue(log.text().startsWith("method \"" + method + "\" threw: "), log.text());
            assertTrue(log.text().contains("\tat " + FailureTest.class.getName()), log.text());
            assertEquals(
                    "java.lang.IllegalStateException: unexpected",
                    rt.queue.next().text(),
                    "without the trace");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fast", "plain", "async", "later"})
    void theExpectedIsNotLogged(String method) throws InterruptedException {
        try (RunningRuntime rt = failing(throwing(new RestyFfiException(22, "expected")))) {
            rt.queue.call(method, "x");
            assertEquals(22, rt.queue.next().status());
            assertTrue(rt.queue.sent.isEmpty());
        }
    }

    @Test
    void aHandlerWithoutAFutureIsAnError() throws InterruptedException {
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder().asyncMethod("none", (request, call) -> null))) {
            FakeQueue.Sent answer = rt.ask("none", "x");
            assertEquals(Status.THREW, answer.status());
            assertTrue(answer.text().contains("null"), answer.text());
        }
    }

    @Test
    void anExecutorThatRejectsFailsTheCall() throws InterruptedException {
        Executor full =
                task -> {
                    throw new RejectedExecutionException("full");
                };
        try (RunningRuntime rt =
                RunningRuntime.of(
                        FfiRuntime.builder()
                                .executor(full)
                                .fastMethod("echo", (request, call) -> request)
                                .method("plain", (request, call) -> request))) {
            check(
                    rt,
                    "plain",
                    Status.THREW,
                    "java.util.concurrent.RejectedExecutionException: full");
        }
    }

    @Test
    void zeroIsNoCodeForAFailure() {
        assertThrows(IllegalArgumentException.class, () -> new RestyFfiException(0, "fine?"));
    }

    private static int endless(int n) {
        return endless(n + 1) + 1;
    }

    private static Object tooMuch() {
        return new long[Integer.MAX_VALUE][];
    }
}
