package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** libffi_java.so in a real host, on every JDK of this machine. */
class LoaderTest {
    private static final String HARNESS = "io.github.restyffi.Harness#homes";

    private static Harness on(String home) {
        return new Harness().with("JAVA_HOME", home);
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void theExampleEchoes(String home) {
        Harness.Result r = on(home).call("demo.Echo,init,", "echo", "hello");
        assertEquals(new Harness.Result(0, "hello", ""), r, "and the JVM says nothing");
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void theConformanceRuntimeAnswers(String home) {
        Harness.Result r =
                on(home).script(
                                Harness.CONFORMANCE + "a, b,c",
                                "echo hello",
                                "echo",
                                "nilreq",
                                "nilreq ",
                                "nilreq x",
                                "none",
                                "empty x",
                                "fail 42 no such user",
                                "throw",
                                "echo alive",
                                "config",
                                "sleep 5",
                                "block 5",
                                "remaining",
                                "log notice it works");
        assertEquals(
                List.of(
                        "ok hello",
                        "nil",
                        "ok nil",
                        "ok empty",
                        "ok bytes",
                        "nil",
                        "ok ",
                        "42 no such user",
                        "-6 java.lang.IllegalStateException: thrown on purpose",
                        "ok alive",
                        "ok a, b,c",
                        "ok slept",
                        "ok blocked"),
                r.lines().subList(0, 13));
        int left = Integer.parseInt(r.lines().get(13).substring(3));
        assertTrue(left > 5000 && left <= 10_000, "10 s, the harness's own: " + left);
        assertEquals(List.of("ok logged"), r.lines().subList(14, 15));
        assertTrue(r.err().contains("[notice]") && r.err().contains("it works"), r.err());
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void theDeadlineCancels(String home) {
        Harness.Result r =
                on(home).option("--timeout", "200")
                        .script(Harness.CONFORMANCE, "never x", "never x", "cancelled");
        assertTrue(r.lines().get(0).startsWith("-1 "), r.out());
        assertEquals("ok 2", r.lines().get(2));
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void blockingHandlersAnswer(String home) {
        assertEquals("hello", on(home).call("fixture.Fixtures,blocking,", "echo", "hello").out());
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void handlersHaveVirtualThreadsWhereThereAreSuch(String home) {
        Harness.Result r = on(home).script("fixture.Fixtures,threads,", "kind", "release");
        String[] lines = r.out().split("\n");
        int release = Integer.parseInt(lines[1].replace("ok ", ""));
        assertEquals(release >= 21, lines[0].equals("ok java.lang.VirtualThread"), lines[0]);
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void endlessRecursionIsAnswered(String home) {
        Harness.Result r = on(home).script("fixture.Fixtures,recursive,", "fast", "plain", "fast");
        assertEquals(
                3,
                r.lines().stream().filter("-6 java.lang.StackOverflowError"::equals).count(),
                r.out());
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void aFullHeapIsAnsweredWithAdvice(String home) {
        String large = "x".repeat(80_000_000);
        Harness.Result r =
                on(home).script(
                                Harness.CONFORMANCE,
                                "fill 200000000",
                                "echo " + large,
                                "echo alive");
        assertEquals(3, r.lines().size());
        for (String line : r.lines().subList(0, 2)) {
            assertTrue(line.startsWith("-6 ") && line.contains("JAVA_OPTS=-Xmx"), line);
        }
        assertEquals("ok alive", r.lines().get(2));
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void aLargerHeapTakesLargeRequests(String home) {
        String large = "0123456789".repeat(10_000_000);
        Harness.Result r =
                on(home).with("JAVA_OPTS", "-Xmx1g")
                        .script(Harness.CONFORMANCE, "echo " + large, "echo alive");
        assertTrue(r.lines().get(0).equals("ok " + large), "100 MB come back as they were");
        assertEquals("ok alive", r.lines().get(1));
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void aRuntimeHasAClassLoaderOfItsOwnOnAllItsThreads(String home) {
        for (String name : List.of("fixture.Fixtures", "fixture.Fixtures?")) {
            Harness.Result r = on(home).script(name + ",loader,", "loader", "context", "thread");
            assertEquals(List.of("ok ffi-java"), r.lines().stream().distinct().toList(), r.err());
            assertEquals(3, r.lines().size());
        }
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void classesForVersion1StillLoad(String home) {
        for (String method : List.of("version1", "version1WithoutResult")) {
            Harness.Result r =
                    on(home).script(
                                    "fixture.Fixtures," + method + ",cfg",
                                    "any hello",
                                    "any",
                                    "any ");
            assertEquals(List.of("ok hello", "5 cfg", "ok "), r.lines());
        }
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void exitAndCrashEndTheChildProcess(String home) {
        Harness.Result exit = on(home).option("--isolate").call(Harness.CONFORMANCE, "exit", null);
        assertEquals(1, exit.code());
        assertTrue(exit.err().contains("-7 ") && exit.err().contains("3"), exit.err());
        Harness.Result crash =
                on(home).option("--isolate").call(Harness.CONFORMANCE, "crash", null);
        assertEquals(1, crash.code());
        assertTrue(crash.err().contains("-7 "), crash.err());
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void aWorkerStaysSmallAndItsThreadsHaveNames(String home) throws Exception {
        Process host = on(home).bench("demo.Echo,init,", 64, 30);
        try {
            Path proc = Path.of("/proc/" + host.pid());
            for (int i = 0; i < 200 && named(proc) < 2; i++) {
                Thread.sleep(50);
            }
            Thread.sleep(1500);
            String rss =
                    Files.readAllLines(proc.resolve("status")).stream()
                            .filter(line -> line.startsWith("VmRSS"))
                            .collect(Collectors.joining());
            assertTrue(Integer.parseInt(rss.replaceAll("\\D", "")) < 60_000, rss);
            assertTrue(Files.notExists(Path.of("/tmp/.java_pid" + host.pid())), "litter in /tmp");
            assertEquals(2, named(proc), "the JVM's main thread and the polling thread");
        } finally {
            host.destroyForcibly().waitFor();
        }
    }

    @ParameterizedTest
    @MethodSource(HARNESS)
    void theHostKeepsItsSignals(String home) throws Exception {
        Process host = on(home).bench("demo.Echo,init,", 1, 30);
        try {
            Thread.sleep(1500);
            String caught =
                    Files.readAllLines(Path.of("/proc/" + host.pid() + "/status")).stream()
                            .filter(line -> line.startsWith("SigCgt:"))
                            .collect(Collectors.joining());
            long mask = Long.parseUnsignedLong(caught.replaceAll("SigCgt:\\s*", ""), 16);
            assertTrue((mask & 1L << 10) != 0, "SEGV is the JVM's, so that it runs: " + caught);
            for (int signal : new int[] {1, 2, 3, 15}) {
                assertEquals(
                        0, mask & 1L << signal - 1, "HUP, INT, QUIT and TERM are not: " + caught);
            }
        } finally {
            host.destroyForcibly().waitFor();
        }
    }

    @Test
    void aJvmIsFoundWithoutAnEnvironment() {
        assertEquals("hello", new Harness().call("demo.Echo,init,", "echo", "hello").out());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    no.such.App,init,               | class no.such.App was not found on the class path "
                    fixture.Fixtures,nope,          | no static method "FfiRuntime nope(Config)"
                    fixture.Fixtures,throwing,db:1  | java.lang.IllegalStateException: no server at db:1
                    fixture.Fixtures,nothing,       | fixture.Fixtures.nothing did not return an FfiRuntime
                    fixture.Fixtures,version1Fails, | 17
                    fixture.Fixtures                | class,method,configuration
                    -                               | class,method,configuration
                    """)
    void whatCannotBeLoadedSaysWhy(String cfg, String why) {
        Harness.Result r = new Harness().call(cfg, "echo", "x");
        assertEquals(2, r.code());
        assertTrue(r.err().contains(why), r.err());
    }

    @Test
    void aWrongJavaHomeIsNamed() {
        Harness.Result r =
                new Harness().with("JAVA_HOME", "/no/such").call("demo.Echo,init,", "echo", "x");
        assertEquals(2, r.code());
        assertTrue(r.err().contains("JAVA_HOME is /no/such"), r.err());
    }

    @Test
    void anOldJavaIsRefused(@TempDir Path home) throws Exception {
        Files.createDirectories(home.resolve("lib/server"));
        Files.writeString(home.resolve("lib/server/libjvm.so"), "");
        Files.writeString(home.resolve("release"), "JAVA_VERSION=\"11.0.2\"\n");
        Harness.Result r =
                new Harness()
                        .with("JAVA_HOME", home.toString())
                        .call("demo.Echo,init,", "echo", "x");
        assertEquals(2, r.code());
        assertTrue(r.err().contains("is Java 11, which is too old"), r.err());
    }

    @ParameterizedTest
    @CsvSource({"-XX:+NoSuchOption, NoSuchOption", "-Xmx1k, too small", "--no-such, no-such"})
    void aJvmThatDoesNotStartSaysWhy(String option, String why) {
        Harness.Result r =
                new Harness().with("JAVA_OPTS", option).call("demo.Echo,init,", "echo", "x");
        assertEquals(2, r.code());
        assertTrue(r.err().toLowerCase().contains(why.toLowerCase()), r.err());
    }

    @ParameterizedTest
    @CsvSource({
        "-XX:+UseG1GC",
        "-Xmx256m -Xmn64m",
        "-Xms128m -Xmx128m",
        "-Xmx16m",
        "-XX:MaxRAMPercentage=10",
        "-XX:TieredStopAtLevel=4",
        "'-Dquoted=\"two words\"   -Xss1m'"
    })
    void optionsOfTheAuthorWin(String options) {
        Harness.Result r =
                new Harness().with("JAVA_OPTS", options).call("demo.Echo,init,", "echo", "hello");
        assertEquals(new Harness.Result(0, "hello", ""), r);
    }

    private static long named(Path proc) throws IOException {
        try (var tasks = Files.list(proc.resolve("task"))) {
            return tasks.filter(task -> "ffi-java\n".equals(read(task.resolve("comm")))).count();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return ""; // the thread has ended
        }
    }
}
