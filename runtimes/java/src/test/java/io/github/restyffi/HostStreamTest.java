package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.List;

/** Streams through a real host, on every JDK of this machine. */
class HostStreamTest {
    private static final String HOMES = "io.github.restyffi.Harness#homes";

    private static HostScript conformance(String home) throws Exception {
        return new HostScript.Options().home(home).load(Harness.CONFORMANCE);
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void theConformanceStreams(String home) throws Exception {
        try (HostScript host = conformance(home)) {
            host.tell("open 0 count 1000");
            assertEquals("1000 messages of 2890 bytes, end 0 ", host.tell("drain 0 0"));
            host.tell("open 0 count 0");
            assertEquals("end 0 ", host.tell("next 0"));

            host.tell("open 1 sum 1");
            host.tell("send 1 2");
            host.tell("end 1 39");
            assertEquals("message 42", host.tell("next 1"));
            assertEquals("end 0 ", host.tell("next 1"));
            host.tell("open 1 sum -");
            host.tell("end 1 -");
            assertEquals("message 0", host.tell("next 1"));

            host.tell("open 2 chat hello");
            assertEquals("message hello", host.tell("next 2"));
            assertEquals("nothing", host.tell("peek 2 30"));
            host.tell("send 2 you");
            assertEquals("message you", host.tell("next 2"));
            host.tell("end 2 bye");
            assertEquals("message bye", host.tell("next 2"));
            assertEquals("end 0 ", host.tell("next 2"));

            host.tell("open 3 failstream 3");
            assertEquals("3 messages of 3 bytes, end 7 mid-stream", host.tell("drain 3 0"));
            assertEquals("ok 0", host.tell("call streams"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void aSlowReaderHoldsTheFlood(String home) throws Exception {
        try (HostScript host = conformance(home)) {
            host.tell("open 0 flood 20");
            assertEquals("20 messages of 1310720 bytes, end 0 ", host.tell("drain 0 0"));
            int before = host.number("rss");
            host.tell("open 0 flood 100000"); // 6.5 GB
            for (int i = 0; i < 20; i++) {
                assertTrue(host.tell("next 0").startsWith("message "));
            }
            host.tell("rest 300");
            int grown = host.number("rss") - before;
            assertTrue(grown < 10_000, "the window holds 256 KB: " + grown + " KB");
            assertEquals("ok 1", host.tell("call streams"));
            host.tell("cancel 0");
            host.tell("rest 100");
            assertEquals("ok 0", host.tell("call streams"));
            assertEquals("ok 1", host.tell("call cancelled"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void aSlowHandlerHoldsTheClient(String home) throws Exception {
        try (HostScript host = conformance(home)) {
            host.tell("open 0 chat -"); // which soon waits for us to read
            int accepted = host.number("stuff 0 1000");
            assertEquals(263, accepted, "the window");
            host.tell("rest 200");
            accepted += host.number("stuff 0 1000");
            host.tell("rest 200");
            accepted += host.number("stuff 0 1000");
            // of both windows: what the handler has taken and sent, and what waits for it
            assertTrue(accepted <= 2 * 263 + 1, "accepted " + accepted);
            host.tell("end 0 -");
            assertEquals(
                    accepted + " messages of " + accepted * 1000 + " bytes, end 0 ",
                    host.tell("drain 0 0"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void cancelledWhereverItWaits(String home) throws Exception {
        try (HostScript host = conformance(home)) {
            host.tell("open 0 sum -");
            host.tell("open 1 flood 1000");
            host.tell("open 2 chat - 1000"); // a deadline
            for (int tries = 0; tries < 50 && !"ok 3".equals(host.tell("call streams")); tries++) {
                host.tell("rest 10");
            }
            assertEquals("ok 3", host.tell("call streams"));
            host.tell("cancel 0");
            host.tell("cancel 1");
            assertTrue(host.tell("next 2").startsWith("end -1 "));
            host.tell("rest 100");
            assertEquals("ok 0", host.tell("call streams"));
            assertEquals("ok 3", host.tell("call cancelled"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void plainAsStreamAndStreamAsPlain(String home) throws Exception {
        try (HostScript host = conformance(home)) {
            host.tell("open 0 echo -");
            assertEquals("nothing", host.tell("peek 0 30"));
            host.tell("send 0 hi");
            assertEquals("message hi", host.tell("next 0"));
            assertEquals("end 0 ", host.tell("next 0"));
            host.tell("openend 0 nilreq -");
            assertEquals("message nil", host.tell("next 0"));
            host.tell("open 0 none x");
            assertEquals("end 0 ", host.tell("next 0"));
            host.tell("open 0 sleep 5");
            assertEquals("message slept", host.tell("next 0"));
            assertEquals(
                    "-10 \"count\" is a stream: open it with resty_ffi.stream",
                    host.tell("call count 3"));
            host.tell("open 0 nope x");
            assertTrue(host.tell("next 0").startsWith("end -5 "));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void severalAtOnce(String home) throws Exception {
        try (HostScript host = conformance(home)) {
            for (int k = 0; k < 80; k++) {
                host.tell("open %d chat first-%d".formatted(k, k));
            }
            for (int k = 0; k < 80; k++) {
                host.tell("end %d last-%d".formatted(k, k));
            }
            for (int k = 0; k < 80; k++) {
                assertEquals("message first-" + k, host.tell("next " + k));
                assertEquals("message last-" + k, host.tell("next " + k));
                assertEquals("end 0 ", host.tell("next " + k));
            }
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void tenThousandInSequenceLeaveNothing(String home) throws Exception {
        try (HostScript host = conformance(home)) {
            List<String> round = new ArrayList<>();
            for (int i = 0; i < 2000; i++) {
                round.addAll(List.of("open 0 chat hi", "next 0", "end 0 -", "next 0"));
                round.addAll(List.of("open 0 chat hi", "cancel 0"));
            }
            host.tellAll(round);
            int before = host.number("rss");
            host.tellAll(round);
            host.tellAll(round);
            host.tell("rest 100");
            assertEquals("ok 0", host.tell("call streams"));
            int grown = host.number("rss") - before;
            assertTrue(grown < 6_000, "8000 streams grew it by " + grown + " KB");
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void unloadingWithOpenStreamsEnds(String home) throws Exception {
        try (HostScript host =
                new HostScript.Options()
                        .home(home)
                        .option("--drain", "200")
                        .load(Harness.CONFORMANCE)) {
            host.tell("open 0 chat hi");
            assertEquals("message hi", host.tell("next 0"));
            host.tell("open 1 flood 1000");
            host.tell("unload");
            host.tell("send 0 still");
            assertEquals("message still", host.tell("next 0"));
            assertTrue(host.tell("next 0").startsWith("end -8 "));
            assertTrue(host.tell("drain 1 0").contains(" messages of "));
            host.tell("rest 300");
            assertTrue(host.tell("call streams").startsWith("-8 "));
            assertEquals("", host.log(), "nothing went wrong");
        }
    }

    @Test
    void streamsReachAChildProcess() throws Exception {
        try (HostScript host =
                new HostScript.Options().option("--isolate").load(Harness.CONFORMANCE)) {
            host.tell("open 0 flood 200");
            assertEquals("200 messages of 13107200 bytes, end 0 ", host.tell("drain 0 0"));
            host.tell("call print stdout printed there");
            assertEquals("ok", host.tell("log printed there"));
        }
    }
}
