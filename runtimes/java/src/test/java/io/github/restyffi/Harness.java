package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The C harness, which loads libffi_java.so as a host does, in a process of its own and with an
 * empty environment, as in nginx.
 */
final class Harness {
    static final String CONFORMANCE = "io.github.restyffi.conformance.Conformance,init,";

    private static final Path NATIVE = Path.of("../../native/dist").toAbsolutePath().normalize();
    private static final Path DIST = Path.of("dist").toAbsolutePath();

    record Result(int code, String out, String err) {
        List<String> lines() {
            return out.lines().toList();
        }
    }

    private final Map<String, String> environment = new TreeMap<>();
    private final List<String> before = new ArrayList<>();
    private final List<String> options = new ArrayList<>();
    private String input = "";

    Harness() {
        for (Path needed :
                List.of(
                        NATIVE.resolve("bin/harness"),
                        DIST.resolve("libffi_java.so"),
                        DIST.resolve("conformance.jar"))) {
            if (!Files.exists(needed)) {
                throw new AssertionError(
                        needed + " is not built: run npm run build first, in native and here");
            }
        }
        Path fixtures = Path.of("target/test-classes").toAbsolutePath();
        environment.put(
                "CLASSPATH",
                DIST.resolve("conformance.jar") + ":" + DIST.resolve("echo.jar") + ":" + fixtures);
    }

    /** One JDK of each version that this machine has and that can be used. */
    static List<String> homes() {
        Map<String, String> homes = new TreeMap<>();
        try (Stream<Path> found = Files.list(Path.of("/usr/lib/jvm"))) {
            found.filter(home -> Files.exists(home.resolve("lib/server/libjvm.so")))
                    .filter(home -> version(home) >= 17)
                    .forEach(home -> homes.put("Java " + version(home), home.toString()));
        } catch (IOException e) {
            // There is no such folder: the JDK that runs the tests remains.
        }
        homes.put("Java " + Runtime.version().feature(), System.getProperty("java.home"));
        return List.copyOf(homes.values());
    }

    private static int version(Path home) {
        try (Stream<String> lines = Files.lines(home.resolve("release"))) {
            return lines.filter(line -> line.startsWith("JAVA_VERSION="))
                    .map(line -> Runtime.Version.parse(line.split("\"")[1]).feature())
                    .findFirst()
                    .orElse(0);
        } catch (IOException | UncheckedIOException | IllegalArgumentException e) {
            return 0;
        }
    }

    Harness with(String name, String value) {
        environment.put(name, value);
        return this;
    }

    Harness option(String... words) {
        options.addAll(List.of(words));
        return this;
    }

    /** Drops the right of root to read every file. */
    Harness powerless() {
        if (System.getProperty("user.name").equals("root")) {
            before.addAll(
                    List.of(
                            "/usr/bin/setpriv",
                            "--inh-caps=-all",
                            "--bounding-set=-dac_override,-dac_read_search"));
        }
        return this;
    }

    /** One call; request null = nil. */
    Result call(String cfg, String method, String request) {
        List<String> words =
                new ArrayList<>(
                        List.of("call", DIST.resolve("libffi_java.so").toString(), cfg, method));
        if (request != null) {
            words.add(request);
        }
        return run(words);
    }

    /** Calls one after the other, each "method request". */
    Result script(String cfg, String... calls) {
        input = String.join("\n", calls) + "\n";
        return run(List.of("script", DIST.resolve("libffi_java.so").toString(), cfg));
    }

    Process bench(String cfg, int inFlight, int seconds) throws IOException {
        return builder(
                        List.of(
                                "bench",
                                DIST.resolve("libffi_java.so").toString(),
                                cfg,
                                Integer.toString(inFlight),
                                "64",
                                Integer.toString(seconds)))
                .start();
    }

    private ProcessBuilder builder(List<String> words) {
        List<String> command = new ArrayList<>(before);
        command.add(NATIVE.resolve("bin/harness").toString());
        command.addAll(options);
        command.addAll(words);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(environment);
        return builder;
    }

    private Result run(List<String> words) {
        Path in = null;
        Path out = null;
        Path err = null;
        try {
            in = Files.writeString(Files.createTempFile("harness", ".in"), input);
            out = Files.createTempFile("harness", ".out");
            err = Files.createTempFile("harness", ".err");
            Process process =
                    builder(words)
                            .redirectInput(in.toFile())
                            .redirectOutput(out.toFile())
                            .redirectError(err.toFile())
                            .start();
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("the harness hangs: " + words);
            }
            return new Result(
                    process.exitValue(),
                    Files.readString(out, UTF_8),
                    Files.readString(err, UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            for (Path file : new Path[] {in, out, err}) {
                if (file != null) {
                    file.toFile().delete();
                }
            }
        }
    }
}
