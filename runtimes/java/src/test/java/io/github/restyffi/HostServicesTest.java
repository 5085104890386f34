package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Configuration, log and dict. */
class HostServicesTest {
    @Test
    void configurationIsGivenAsItIs() throws InterruptedException {
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder())) {
            assertEquals("the configuration", rt.services.text());
            assertEquals("fake", rt.services.name());
            assertEquals(2, rt.services.abi());
        }
    }

    @Test
    void levelsAreTheHosts() throws InterruptedException {
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder())) {
            HostLogger log = rt.services.logger();
            log.log(System.Logger.Level.TRACE, "m");
            log.log(System.Logger.Level.DEBUG, "m");
            log.log(System.Logger.Level.INFO, "m");
            log.notice("m");
            log.log(System.Logger.Level.WARNING, "m");
            log.log(System.Logger.Level.ERROR, "m");
            log.critical("m");
            log.log(System.Logger.Level.OFF, "not this one");
            for (int level : new int[] {8, 8, 7, 6, 5, 4, 3}) {
                FakeQueue.Sent frame = rt.queue.next();
                assertEquals(Kind.LOG, frame.kind());
                assertEquals(0, frame.id());
                assertEquals(level, frame.status());
                assertEquals("m", frame.text());
            }
            assertTrue(rt.queue.sent.isEmpty());
            assertFalse(log.isLoggable(System.Logger.Level.OFF));
        }
    }

    @Test
    void aHandlersLogComesBeforeItsAnswer() throws InterruptedException {
        try (RunningRuntime rt =
                new RunningRuntime(
                        config ->
                                FfiRuntime.builder()
                                        .fastMethod("fast", (request, call) -> logged(config))
                                        .method("plain", (request, call) -> logged(config))
                                        .build())) {
            for (int i = 0; i < 200; i++) {
                rt.queue.call("plain", "x");
                rt.queue.call("fast", "x");
            }
            int logged = 0;
            for (int i = 0; i < 800; i++) {
                logged += rt.queue.next().kind() == Kind.LOG ? 1 : -1;
                assertTrue(logged >= 0, "an answer without its log line");
            }
        }
    }

    private static byte[] logged(Config config) {
        config.logger().notice("serving");
        return null;
    }

    @Test
    void messagesAreFormattedAsLoggersDo() throws InterruptedException {
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder())) {
            HostLogger log = rt.services.logger();
            log.log(System.Logger.Level.INFO, "{0} of {1}", "one", "two");
            assertEquals("one of two", rt.queue.next().text());
            log.log(System.Logger.Level.INFO, "{\"json\": {}}");
            assertEquals("{\"json\": {}}", rt.queue.next().text());
            log.log(System.Logger.Level.INFO, "{broken", "x");
            assertEquals("{broken", rt.queue.next().text());
            log.log(System.Logger.Level.INFO, (String) null);
            assertEquals("null", rt.queue.next().text());
            log.log(System.Logger.Level.ERROR, "it failed", new IllegalStateException("why"));
            String text = rt.queue.next().text();
            assertTrue(text.startsWith("it failed: java.lang.IllegalStateException: why"), text);
            assertTrue(text.contains("HostServicesTest"), "with its trace");
        }
    }

    @Test
    void dictRequestsAreFrames() throws Exception {
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder())) {
            Dict dict = rt.services.dict();
            CompletableFuture<Void> set =
                    dict.set("key", "value".getBytes(UTF_8), Duration.ofSeconds(2));
            FakeQueue.Sent frame = rt.queue.next();
            assertEquals(Kind.DICT, frame.kind());
            assertEquals(2, frame.method());
            assertEquals("keyvalue", frame.text());
            assertEquals(3, frame.arg());
            assertEquals(2000, frame.deadline());
            rt.queue.answerDict(frame.id(), 0, null);
            assertNull(set.get(5, TimeUnit.SECONDS));

            CompletableFuture<Long> incr = dict.incr("n", -5);
            frame = rt.queue.next();
            assertEquals(3, frame.method());
            assertEquals("n-5", frame.text());
            rt.queue.answerDict(frame.id(), 0, "37");
            assertEquals(37, incr.get(5, TimeUnit.SECONDS));

            CompletableFuture<Void> delete = dict.delete("key");
            frame = rt.queue.next();
            assertEquals(4, frame.method());
            rt.queue.answerDict(frame.id(), 0, null);
            assertNull(delete.get(5, TimeUnit.SECONDS));
        }
    }

    @Test
    void dictsHaveNamesAndValuesALifetime() throws Exception {
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder())) {
            Dict dict = rt.services.dict("cache");
            CompletableFuture<Boolean> add =
                    dict.add("key", "value".getBytes(UTF_8), Duration.ofNanos(1));
            FakeQueue.Sent frame = rt.queue.next();
            assertEquals(5, frame.method());
            assertEquals("cachekeyvalue", frame.text());
            assertEquals(5, frame.zone());
            assertEquals(3, frame.arg());
            assertEquals(1, frame.deadline(), "not 0, which is for ever");
            rt.queue.answerDict(frame.id(), 0, "value");
            assertTrue(add.get(5, TimeUnit.SECONDS));

            add = dict.add("key", "value".getBytes(UTF_8));
            frame = rt.queue.next();
            assertEquals(0, frame.deadline());
            rt.queue.answerDict(frame.id(), 0, null);
            assertFalse(add.get(5, TimeUnit.SECONDS), "there was one");

            dict.incr("n", 2, Duration.ofMinutes(1));
            frame = rt.queue.next();
            assertEquals("cachen2", frame.text());
            assertEquals(60_000, frame.deadline());
            assertThrows(
                    IllegalArgumentException.class,
                    () -> dict.set("key", new byte[0], Duration.ofMillis(-1)));
        }
    }

    @Test
    void dictValuesMayBeMissingEmptyOrRefused() throws Exception {
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder())) {
            Dict dict = rt.services.dict();
            CompletableFuture<byte[]> missing = dict.get("a");
            rt.queue.answerDict(rt.queue.next().id(), 0, null);
            assertNull(missing.get(5, TimeUnit.SECONDS));
            CompletableFuture<byte[]> empty = dict.get("b");
            rt.queue.answerDict(rt.queue.next().id(), 0, "");
            assertArrayEquals(new byte[0], empty.get(5, TimeUnit.SECONDS));
            CompletableFuture<byte[]> refused = dict.get("c");
            rt.queue.answerDict(rt.queue.next().id(), -10, "no shared dict");
            ExecutionException e =
                    assertThrows(ExecutionException.class, () -> refused.get(5, TimeUnit.SECONDS));
            RestyFfiException cause = assertInstanceOf(RestyFfiException.class, e.getCause());
            assertEquals(-10, cause.code());
            assertEquals("no shared dict", cause.getMessage());
        }
    }

    @Test
    void whatFollowsADictAnswerDoesNotHoldThePollingThread() throws Exception {
        try (RunningRuntime rt = RunningRuntime.of(FfiRuntime.builder())) {
            CompletableFuture<Thread> ran = new CompletableFuture<>();
            rt.services.dict().get("a").thenAccept(v -> ran.complete(Thread.currentThread()));
            rt.queue.answerDict(rt.queue.next().id(), 0, "v");
            assertNotSame(rt.thread, ran.get(5, TimeUnit.SECONDS));
        }
    }
}
