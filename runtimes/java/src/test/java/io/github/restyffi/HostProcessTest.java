package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.util.stream.IntStream;

/** What a JVM shares with its process (locale, output, end), and runtimes with each other. */
class HostProcessTest {
    private static final String HOMES = "io.github.restyffi.Harness#homes";
    private static final String TEXT = "gr\u00fc\u00df \u20ac";
    private static final String CLASSES =
            Path.of("target/test-classes").toAbsolutePath().toString();

    @TempDir Path dir;

    private static Harness on(String home) {
        return new Harness().with("JAVA_HOME", home);
    }

    private static HostScript.Options host(String home) {
        return new HostScript.Options().home(home).environment("CLASSPATH", CLASSES);
    }

    private Path notes() {
        return dir.resolve("notes");
    }

    private String noted() throws IOException {
        return Files.exists(notes()) ? Files.readString(notes()) : "";
    }

    private void waitForNotes(String text) throws Exception {
        for (int i = 0; i < 1000 && !noted().equals(text); i++) {
            Thread.sleep(10);
        }
        assertEquals(text, noted());
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void textIsUtf8WhateverTheEnvironment(String home) throws Exception {
        for (String locale : List.of("", "C", "de_DE.ISO-8859-1")) {
            for (String[] options : new String[][] {{}, {"--isolate"}}) {
                String at = locale + options.length;
                Path folder = Files.createDirectories(dir.resolve(at));
                Harness.Result r =
                        on(home).option(options)
                                .with("LC_ALL", locale)
                                .with("TEXT", TEXT)
                                .with("JAVA_OPTS", "\"-Dtext=" + TEXT + "\"")
                                .script(
                                        "fixture.Texts,init," + folder,
                                        "bytes",
                                        "argument",
                                        "environment",
                                        "property",
                                        "file");
                String ok = "ok " + TEXT;
                assertEquals(List.of(ok, ok, ok, ok, "ok here"), r.lines(), at + r.err());
            }
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void whatIsPrintedIsUtf8Too(String home) throws Exception {
        Harness.Result r = on(home).script("fixture.Texts,init," + dir, "print");
        assertEquals(List.of("out " + TEXT, "nil"), r.lines());
        assertEquals("err " + TEXT + "\n", r.err());
        try (HostScript host = host(home).option("--isolate").load("fixture.Texts,init," + dir)) {
            assertEquals("nil", host.tell("call print"));
            assertEquals("ok", host.tell("log : out " + TEXT));
            assertEquals("ok", host.tell("log : err " + TEXT));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void aClassPathMayHoldAnyLetter(String home) throws Exception {
        Harness.Result r = inFolderOfAnyName(home);
        assertEquals("x", r.out(), r.err());
    }

    /** The JVM that runs this test may not know the name, so that a shell makes it. */
    private Harness.Result inFolderOfAnyName(String home) throws Exception {
        String script =
                "d=$(printf 'gr\\303\\274\\303\\237'); mkdir -p $d; cp -r \"$0/fixture\" $d; ln -s $d plain";
        Process shell =
                new ProcessBuilder("sh", "-c", script, CLASSES).directory(dir.toFile()).start();
        assertEquals(0, shell.waitFor());
        Path classes = dir.resolve("plain").toRealPath();
        return on(home).with("CLASSPATH", classes.toString())
                .call("fixture.Fixtures,blocking,", "echo", "x");
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void theHostKeepsItsLocale(String home) throws Exception {
        try (HostScript host =
                host(home).environment("LC_ALL", "C.UTF-8").load("fixture.Fixtures,blocking,")) {
            assertEquals("C", host.tell("locale"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void whatIsPrintedIsThereWhenTheProcessDies(String home) {
        Harness.Result r =
                on(home).option("--isolate").call("fixture.Texts,init," + dir, "dies", null);
        List<String> lines =
                r.err()
                        .lines()
                        .filter(line -> line.startsWith("[notice]"))
                        .map(line -> line.substring(line.indexOf("): ") + 3))
                        .toList();
        assertEquals(
                IntStream.range(0, 300).mapToObj(i -> "line " + i).toList(), lines.subList(0, 300));
        assertEquals(List.of("x".repeat(1000), "no newline"), lines.subList(300, 302));
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void anotherConfigurationHasStaticFieldsOfItsOwn(String home) throws Exception {
        try (HostScript host = host(home).load("fixture.Statics,init,one")) {
            assertEquals("ok nobody", host.tell("call known"));
            assertEquals("ok ada", host.tell("call remember ada"));
            assertEquals("ok ada", host.tell("call known"));
            assertEquals("ok", host.tell("load fixture.Statics,init,two java_home=" + home));
            assertEquals("ok nobody", host.tell("call known"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void threadsInheritNothingFromACall(String home) throws Exception {
        try (HostScript host = host(home).load("fixture.Statics,init,")) {
            assertEquals("nil", host.tell("call take ada"));
            assertEquals("ok null", host.tell("call thread"));
            host.tell("open 0 stream -");
            assertEquals("message null", host.tell("next 0"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void shutdownHooksRunAtTheEndOfTheProcess(String home) throws Exception {
        for (String[] options : new String[][] {{}, {"--isolate"}}) {
            Harness.Result r =
                    on(home).option(options).call("fixture.Ending,init," + notes(), "echo", "x");
            assertEquals(new Harness.Result(0, "x", ""), r);
            assertEquals("unload\nhook\n", noted());
            assertFalse(Files.exists(dir.resolve("temporary")), "deleteOnExit");
            Files.delete(notes());
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void aHookThatHangsHoldsNothingUp(String home) throws Exception {
        for (String[] options : new String[][] {{}, {"--isolate"}}) {
            Harness.Result r =
                    on(home).option(options).script("fixture.Ending,init," + notes(), "hang");
            assertEquals(new Harness.Result(0, "nil\n", ""), r);
            assertEquals("unload\nhook\n", noted());
            Files.delete(notes());
            Files.deleteIfExists(dir.resolve("temporary"));
        }
    }

    @ParameterizedTest
    @MethodSource(HOMES)
    void shutdownHooksRunBeforeSystemExitEnds(String home) throws Exception {
        Harness.Result r =
                on(home).option("--isolate").call("fixture.Ending,init," + notes(), "exit", null);
        assertTrue(r.err().contains("exit code 3"), r.err());
        assertEquals("hook\n", noted());
    }

    @Test
    void shutdownHooksRunWhenAChildProcessIsUnloaded() throws Exception {
        String home = System.getProperty("java.home");
        try (HostScript host =
                host(home).option("--isolate").load("fixture.Ending,init," + notes())) {
            assertEquals("ok x", host.tell("call echo x"));
            host.tell("unload");
            host.tell("rest 10");
            waitForNotes("unload\nhook\n");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    fixture.Broken  | java.lang.NumberFormatException: For input string: "eighty"
                    fixture.Broken  | (in the static initialiser of fixture.Broken, Broken.java:8)
                    fixture.Newer   | (it was compiled for Java 83, this is Java
                    fixture.Newer   | javac --release
                    no.such.Class   | /no/such.jar does not exist
                    hidden.App      | has no permission for
                    """)
    void whatCannotBeLoadedSaysWhatToChange(String name, String why) throws Exception {
        Path newer = Files.createDirectories(dir.resolve("classes/fixture")).resolve("Newer.class");
        byte[] compiled = Files.readAllBytes(Path.of(CLASSES, "fixture/Broken.class"));
        compiled[7] = 44 + 83;
        Files.write(newer, compiled);
        Path hidden = Files.createDirectories(dir.resolve("hidden"));
        Files.write(hidden.resolve("App.class"), compiled);
        Process closed = new ProcessBuilder("chmod", "000", hidden.toString()).start();
        assertEquals(0, closed.waitFor());
        try {
            Harness.Result r =
                    new Harness()
                            .with(
                                    "CLASSPATH",
                                    "%s:%s:%s:/no/such.jar"
                                            .formatted(CLASSES, dir.resolve("classes"), dir))
                            .powerless()
                            .call(name + ",init,", "echo", "x");
            assertEquals(2, r.code());
            assertTrue(r.err().contains(why), r.err());
        } finally {
            new ProcessBuilder("chmod", "700", hidden.toString()).start().waitFor();
        }
    }

    @Test
    void aClassThatAnotherOneNeedsIsNamedWithTheClassPath() throws Exception {
        Path alone = Files.createDirectories(dir.resolve("fixture")).resolve("Fixtures.class");
        Files.copy(Path.of(CLASSES, "fixture/Fixtures.class"), alone);
        Harness.Result r =
                new Harness()
                        .with("CLASSPATH", dir.toString())
                        .call("fixture.Fixtures,needing,", "echo", "x");
        String why = "java.lang.NoClassDefFoundError: fixture/Fixtures$Needed was not found on the";
        assertTrue(r.err().contains(why) && r.err().contains(":" + dir + "\": set"), r.err());
    }
}
