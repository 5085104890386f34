package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** The host of {@code src/test/c/host.c}, in a process of its own: loads libffi_java.so. */
final class HostScript implements AutoCloseable {
    static final Path DIST = Path.of("dist").toAbsolutePath();

    private final Process process;
    private final PrintStream to;
    private final BufferedReader from;
    private final Path log;

    /** How the runtime is loaded. */
    static final class Options {
        private final List<String> words = new ArrayList<>();
        private final Map<String, String> environment = new TreeMap<>();

        Options() {
            environment.put(
                    "CLASSPATH",
                    DIST.resolve("conformance.jar") + ":" + DIST.resolve("powers.jar"));
        }

        Options home(String home) {
            return environment("JAVA_HOME", home);
        }

        Options environment(String name, String value) {
            environment.put(name, value);
            return this;
        }

        Options option(String... option) {
            words.addAll(List.of(option));
            return this;
        }

        HostScript load(String cfg) throws IOException {
            return new HostScript(this, cfg);
        }
    }

    private HostScript(Options options, String cfg) throws IOException {
        Path host = DIST.resolve("test/host");
        if (!Files.exists(host)) {
            throw new AssertionError(host + " is not built: run npm run build first");
        }
        List<String> command = new ArrayList<>();
        command.add(host.toString());
        command.addAll(options.words);
        command.add(DIST.resolve("libffi_java.so").toString());
        command.add(cfg);
        log = Files.createTempFile("host", ".log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectError(new File(log.toString()));
        builder.environment().clear();
        builder.environment().putAll(options.environment);
        process = builder.start();
        to = new PrintStream(process.getOutputStream(), false, UTF_8);
        from = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
    }

    /** Gives a command; its answer. */
    String tell(String command) {
        to.print(command + "\n");
        to.flush();
        return answer();
    }

    /** Gives many commands at once; the answer of the last. */
    String tellAll(List<String> commands) {
        new Thread(
                        () -> {
                            commands.forEach(command -> to.print(command + "\n"));
                            to.flush();
                        })
                .start();
        String last = null;
        for (int i = 0; i < commands.size(); i++) {
            last = answer();
        }
        return last;
    }

    int number(String command) {
        return Integer.parseInt(tell(command).replace("ok ", ""));
    }

    /** The log, and what the host itself had to say. */
    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for the end of a host that cannot load; why. */
    String refusal() throws InterruptedException {
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            throw new AssertionError("it was loaded");
        }
        return log();
    }

    private String answer() {
        try {
            String line = from.readLine();
            if (line == null) {
                throw new AssertionError("the host has ended: " + log());
            }
            return line;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        to.close();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                throw new AssertionError("the host does not end: " + log());
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            process.destroyForcibly();
            Files.deleteIfExists(log);
        }
    }
}
