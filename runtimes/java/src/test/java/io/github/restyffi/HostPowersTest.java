package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import javax.tools.ToolProvider;

/** Reload, settings and dicts through a real host. */
class HostPowersTest {
    private static final String HOMES = "io.github.restyffi.Harness#homes";

    @TempDir Path dir;

    private void compile(String answer) throws Exception {
        compile(answer, "");
    }

    private void compile(String answer, String before) throws Exception {
        Path source = Files.createDirectories(dir.resolve("app")).resolve("App.java");
        Files.writeString(
                source,
                """
                package app;
                import io.github.restyffi.*;
                public class App {
                    static int calls;
                    public static FfiRuntime init(Config config) {
                        %s
                        return FfiRuntime.builder()
                            .method("answer", (r, c) -> Helper.answer().getBytes())
                            .fastMethod("calls", (r, c) -> Integer.toString(++calls).getBytes())
                            .streamMethod("chat", (s, c) -> {
                                for (byte[] m; (m = s.receive()) != null; ) {
                                    s.send((Helper.answer() + new String(m)).getBytes());
                                }
                            }).build();
                    }
                }
                class Helper {
                    static byte[] ballast = new byte[300_000];
                    static String answer() { return "%s"; }
                }
                """
                        .formatted(before, answer));
        int rc =
                ToolProvider.getSystemJavaCompiler()
                        .run(
                                null,
                                null,
                                null,
                                "--release",
                                "17",
                                "-cp",
                                HostScript.DIST.resolve("resty-ffi.jar").toString(),
                                "-d",
                                dir.toString(),
                                source.toString());
        assertEquals(0, rc, "the test's class compiles");
    }

    private HostScript.Options app(String home) {
        return new HostScript.Options().home(home).environment("CLASSPATH", dir.toString());
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void reloadedCodeIsNewWhileTheOldFinishes(String home) throws Exception {
        compile("one");
        try (HostScript host = app(home).load("app.App,init,")) {
            host.tell("open 0 chat -");
            assertEquals("ok one", host.tell("call answer"));
            assertEquals("ok 1", host.tell("call calls"));
            compile("two");
            assertEquals("ok one", host.tell("call answer"));
            assertEquals("ok", host.tell("reload"));
            assertEquals("ok two", host.tell("call answer"));
            assertEquals("ok 1", host.tell("call calls"));
            host.tell("send 0 -still");
            assertEquals("message one-still", host.tell("next 0"));
            host.tell("open 1 chat -now");
            assertEquals("message two-now", host.tell("next 1"));
            host.tell("end 0 -");
            assertEquals("end 0 ", host.tell("next 0"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void whatDoesNotLoadLeavesTheOldServing(String home) throws Exception {
        compile("one");
        try (HostScript host = app(home).load("app.App,init,")) {
            assertEquals("ok one", host.tell("call answer"));
            compile("two", "if (calls == 0) throw new IllegalStateException(\"no server\");");
            String refused = host.tell("reload");
            assertTrue(refused.contains("java.lang.IllegalStateException: no server"), refused);
            assertEquals("ok one", host.tell("call answer"));
            compile("three");
            assertEquals("ok", host.tell("reload"));
            assertEquals("ok three", host.tell("call answer"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void aHundredReloadsLeaveNothing(String home) throws Exception {
        compile("one");
        List<String> round = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            round.addAll(List.of("call answer", "open 0 chat x", "next 0", "cancel 0", "reload"));
        }
        // 300 KB each: what is not collected fills this heap after fifty
        try (HostScript host =
                app(home).environment("JAVA_OPTS", "-Xmx16m").load("app.App,init,")) {
            host.tellAll(round);
            int before = host.number("rss");
            host.tellAll(round);
            assertEquals("ok", host.tellAll(round));
            int grown = host.number("rss") - before;
            assertTrue(grown < 8_000, "120 reloads grew it by " + grown + " KB");
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void changedClassesReloadAWatchedRuntime(String home) throws Exception {
        compile("one");
        try (HostScript host = app(home).option("--watch").load("app.App,init,")) {
            assertEquals("ok one", host.tell("call answer"));
            host.tell("rest 1200");
            compile("two");
            assertEquals("ok", host.tell("log has changed: reloading"));
            for (int i = 0; i < 50 && !host.tell("call answer").equals("ok two"); i++) {
                host.tell("rest 100");
            }
            assertEquals("ok two", host.tell("call answer"));
        }
    }

    @Test
    void aChildProcessIsReplaced() throws Exception {
        compile("one");
        try (HostScript host =
                app(System.getProperty("java.home")).option("--isolate").load("app.App,init,")) {
            assertEquals("ok one", host.tell("call answer"));
            compile("two");
            assertEquals("ok", host.tell("reload"));
            assertEquals("ok two", host.tell("call answer"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void javaHomeChoosesTheJvm(String home) throws Exception {
        for (String[] option : new String[][] {{}, {"--isolate"}}) {
            try (HostScript host =
                    new HostScript.Options()
                            .home("/no/such")
                            .option(option)
                            .option("--set", "java_home=" + home)
                            .load("io.github.restyffi.conformance.Conformance,init,")) {
                assertEquals("ok x", host.tell("call echo x"));
                assertTrue(
                        Files.readString(Path.of(home, "release"))
                                .contains(
                                        host.tell("call lang")
                                                .replaceAll(
                                                        ".*\"version\":(\"[^\"]*\").*",
                                                        "JAVA_VERSION=$1")));
            }
        }
    }

    @Test
    void aWrongJavaHomeIsRefused() throws Exception {
        try (HostScript host =
                new HostScript.Options()
                        .option("--set", "java_home=/no/such")
                        .load(Harness.CONFORMANCE)) {
            String why = host.refusal();
            assertTrue(why.contains("the option java_home is /no/such, but"), why);
        }
    }

    @Test
    void aSecondJavaHomeNeedsAProcessOfItsOwn() throws Exception {
        List<String> homes = Harness.homes();
        try (HostScript host =
                new HostScript.Options().home(homes.get(0)).load(Harness.CONFORMANCE)) {
            assertEquals("ok x", host.tell("call echo x"));
            assertEquals("ok", host.tell("load demo.Powers,init, java_home=" + homes.get(0)));
            assertEquals("ok Hello Ada", host.tell("call hello Ada"));
            for (String other : homes.subList(1, homes.size())) {
                String why = host.tell("load demo.Powers,init,again java_home=" + other);
                assertTrue(why.contains("the option java_home is " + other), why);
                assertTrue(why.contains("isolate = true"), why);
            }
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void dicts(String home) throws Exception {
        try (HostScript host = new HostScript.Options().home(home).load(Harness.CONFORMANCE)) {
            assertEquals("ok 5", host.tell("call dict set k 5"));
            assertEquals("ok 42", host.tell("call dict incr k 37"));
            assertEquals("ok 42", host.tell("call dict get k"));
            assertEquals("nil", host.tell("call dict in other get k"));
            assertEquals("ok 42", host.tell("call dict in cache get k"));
            assertEquals("nil", host.tell("call dict add k 1"));
            assertEquals("ok 1", host.tell("call dict in other add k 1 30"));
            assertEquals("nil", host.tell("call dict delete k"));
            assertEquals("nil", host.tell("call dict get k"));
            host.tell("rest 50");
            assertEquals("nil", host.tell("call dict in other get k"));
            assertEquals("ok 1", host.tell("call dict incr n 1 30"));
            host.tell("rest 50");
            assertEquals("nil", host.tell("call dict get n"));
            String refused = host.tell("call dict in secret get k");
            assertTrue(refused.contains("may not use the shared dict \"secret\""), refused);
        }
    }

    @Test
    void theExampleOfThePowers() throws Exception {
        try (HostScript host =
                new HostScript.Options().load("demo.Powers,init,{\"greeting\": \"Hi\"}")) {
            assertEquals("ok Hi Ada", host.tell("call hello Ada"));
            assertEquals("ok", host.tell("log hello Ada"));
            assertEquals("ok 7", host.tell("call divide 42 6"));
            assertEquals("22 division by zero", host.tell("call divide 1 0"));
            assertEquals("ok 1", host.tell("call visits Ada"));
            assertEquals("ok 2", host.tell("call visits Ada"));
            host.tell("open 0 ticks 2");
            assertEquals("message tick 0", host.tell("next 0"));
            assertEquals("message tick 1", host.tell("next 0"));
            assertEquals("end 0 ", host.tell("next 0"));
            host.tell("open 0 upper hello");
            assertEquals("message HELLO", host.tell("next 0"));
            host.tell("cancel 0");
            host.tell("open 0 slow x 100");
            assertTrue(host.tell("next 0").startsWith("end -1 "));
        }
    }
}
