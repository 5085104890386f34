package io.github.restyffi.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.restyffi.Call;
import io.github.restyffi.Config;
import io.github.restyffi.Dict;
import io.github.restyffi.FfiRuntime;
import io.github.restyffi.HostLogger;
import io.github.restyffi.MessageStream;
import io.github.restyffi.RestyFfiException;
import io.github.restyffi.StreamHandler;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/** The methods that every language serves for the conformance suite. */
public final class Conformance {
    private final Config config;
    private final AtomicLong cancelled = new AtomicLong();
    private final AtomicInteger streams = new AtomicInteger();
    private volatile String toFinish;
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(
                    task -> {
                        Thread thread = new Thread(task, "conformance");
                        thread.setDaemon(true);
                        return thread;
                    });

    private Conformance(Config config) {
        this.config = config;
    }

    /** Builds the runtime. */
    public static FfiRuntime init(Config config) {
        Conformance c = new Conformance(config);
        return FfiRuntime.builder()
                .fastMethod("lang", (request, call) -> bytes(c.lang()))
                .fastMethod("echo", (request, call) -> request)
                .fastMethod("xor", (request, call) -> xor(request))
                .fastMethod("empty", (request, call) -> new byte[0])
                .fastMethod("none", (request, call) -> null)
                .fastMethod("nilreq", (request, call) -> bytes(kind(request)))
                .method("fill", (request, call) -> fill(Integer.parseInt(text(request))))
                .asyncMethod("sleep", (request, call) -> c.sleep(Long.parseLong(text(request))))
                .method("block", (request, call) -> block(Long.parseLong(text(request))))
                .fastMethod("fail", (request, call) -> fail(text(request)))
                .fastMethod("throw", (request, call) -> throwing())
                .asyncMethod("never", (request, call) -> c.never(call))
                .fastMethod("cancelled", (request, call) -> bytes(c.cancelled.toString()))
                .fastMethod("remaining", (request, call) -> bytes(remaining(call)))
                .fastMethod("config", (request, call) -> c.config())
                .fastMethod("log", (request, call) -> log(config.logger(), text(request)))
                .asyncMethod("dict", (request, call) -> dict(config, text(request)))
                .fastMethod("streams", (request, call) -> bytes(c.streams.toString()))
                .method("print", (request, call) -> print(text(request)))
                .streamMethod("count", c.counted(Conformance::count))
                .streamMethod("sum", c.counted(Conformance::sum))
                .streamMethod("chat", c.counted(Conformance::chat))
                .streamMethod("flood", c.counted(Conformance::flood))
                .streamMethod("failstream", c.counted(Conformance::failStream))
                .method("crash", (request, call) -> crash())
                .method("exit", (request, call) -> exit(text(request)))
                .method("run", (request, call) -> run(text(request)))
                .fastMethod("environment", (request, call) -> environment())
                .fastMethod("arguments", (request, call) -> bytes("0"))
                .onUnload(c.timer::shutdownNow)
                .fastMethod("finish", (request, call) -> c.toFinish(text(request)))
                .onUnload(c::finish)
                .build();
    }

    private String lang() {
        return """
                {"language":"java","version":"%s","sdk":"%s","abi":%d,"pid":%d}"""
                .formatted(
                        System.getProperty("java.version"),
                        FfiRuntime.version(),
                        config.abi(),
                        ProcessHandle.current().pid());
    }

    /** MS FILE: what there is to finish at the end, and the file that notes that it is done. */
    private byte[] toFinish(String work) {
        toFinish = work;
        return null;
    }

    private void finish() throws IOException, InterruptedException {
        if (toFinish != null) {
            String[] work = toFinish.split(" ", 2);
            Thread.sleep(Long.parseLong(work[0]));
            Files.writeString(
                    Path.of(work[1]),
                    "finished\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        }
    }

    private static byte[] xor(byte[] request) {
        if (request != null) {
            for (int i = 0; i < request.length; i++) {
                request[i] ^= 0x5a;
            }
        }
        return request;
    }

    private static String kind(byte[] request) {
        return request == null ? "nil" : request.length == 0 ? "empty" : "bytes";
    }

    private static byte[] fill(int n) {
        byte[] bytes = new byte[n];
        for (int i = 0; i < n; i++) {
            bytes[i] = (byte) (i % 251);
        }
        return bytes;
    }

    private CompletionStage<byte[]> sleep(long millis) {
        CompletableFuture<byte[]> slept = new CompletableFuture<>();
        timer.schedule(() -> slept.complete(bytes("slept")), millis, TimeUnit.MILLISECONDS);
        return slept;
    }

    private static byte[] block(long millis) throws InterruptedException {
        Thread.sleep(millis);
        return bytes("blocked");
    }

    private static byte[] fail(String request) {
        String[] words = request.split(" ", 2);
        throw new RestyFfiException(Integer.parseInt(words[0]), words.length > 1 ? words[1] : "");
    }

    private static byte[] throwing() {
        throw new IllegalStateException("thrown on purpose");
    }

    private CompletionStage<byte[]> never(Call call) {
        call.cancellation().onCancel(cancelled::incrementAndGet);
        return new CompletableFuture<>();
    }

    private static String remaining(Call call) {
        return call.remaining().map(left -> Long.toString(left.toMillis())).orElse("-1");
    }

    private byte[] config() {
        return config.text() == null ? null : bytes(config.text());
    }

    private static byte[] log(HostLogger logger, String request) {
        String[] words = request.split(" ", 2);
        switch (words[0]) {
            case "debug" -> logger.log(System.Logger.Level.DEBUG, words[1]);
            case "info" -> logger.log(System.Logger.Level.INFO, words[1]);
            case "notice" -> logger.notice(words[1]);
            case "warn" -> logger.log(System.Logger.Level.WARNING, words[1]);
            case "error" -> logger.log(System.Logger.Level.ERROR, words[1]);
            case "crit" -> logger.critical(words[1]);
            default -> throw new IllegalArgumentException("no level: " + words[0]);
        }
        return bytes("logged");
    }

    private static CompletionStage<byte[]> dict(Config config, String request) {
        String[] words = request.split(" ");
        if (words[0].equals("in")) {
            return dict(config.dict(words[1]), Arrays.copyOfRange(words, 2, words.length));
        }
        return dict(config.dict(), words);
    }

    private static CompletionStage<byte[]> dict(Dict dict, String[] words) {
        String key = words[1];
        // A value may have blanks in it; a number behind it is its time to live.
        int end = words.length;
        boolean brief = end > 3 && words[end - 1].matches("\\d+");
        Duration life = Duration.ofMillis(brief ? Long.parseLong(words[--end]) : 0);
        String value = String.join(" ", Arrays.copyOfRange(words, 2, Math.max(2, end)));
        return switch (words[0]) {
            case "set" -> dict.set(key, bytes(value), life).thenApply(none -> bytes(value));
            case "add" ->
                    dict.add(key, bytes(value), life)
                            .thenApply(stored -> stored ? bytes(value) : null);
            case "get" -> dict.get(key);
            case "incr" ->
                    dict.incr(key, Long.parseLong(value), life)
                            .thenApply(n -> bytes(Long.toString(n)));
            case "delete" -> dict.delete(key).thenApply(none -> null);
            default -> throw new IllegalArgumentException("no operation: " + words[0]);
        };
    }

    private static byte[] print(String request) {
        String[] words = request.split(" ", 2);
        PrintStream out = words[0].equals("stderr") ? System.err : System.out;
        out.println(words[1]);
        out.flush();
        return new byte[0];
    }

    /** A handler that is counted while it runs, and in {@code cancelled} if it is cancelled. */
    private StreamHandler counted(StreamHandler handler) {
        return (stream, call) -> {
            streams.incrementAndGet();
            call.cancellation().onCancel(cancelled::incrementAndGet);
            try {
                handler.handle(stream, call);
            } finally {
                streams.decrementAndGet();
            }
        };
    }

    private static void count(MessageStream stream, Call call) throws InterruptedException {
        int n = Integer.parseInt(text(stream.receive()));
        for (int i = 0; i < n; i++) {
            stream.send(bytes(Integer.toString(i)));
        }
    }

    private static void sum(MessageStream stream, Call call) throws InterruptedException {
        long sum = 0;
        for (byte[] message; (message = stream.receive()) != null; ) {
            sum += Long.parseLong(text(message));
        }
        stream.send(bytes(Long.toString(sum)));
    }

    private static void chat(MessageStream stream, Call call) throws InterruptedException {
        for (byte[] message; (message = stream.receive()) != null; ) {
            stream.send(message);
        }
    }

    private static void flood(MessageStream stream, Call call) throws InterruptedException {
        int n = Integer.parseInt(text(stream.receive()));
        byte[] message = fill(65536);
        for (int i = 0; i < n; i++) {
            stream.send(message);
        }
    }

    private static void failStream(MessageStream stream, Call call) throws InterruptedException {
        count(stream, call);
        throw new RestyFfiException(7, "mid-stream");
    }

    private static byte[] crash() throws IOException, InterruptedException {
        String kill = "kill -ABRT " + ProcessHandle.current().pid();
        new ProcessBuilder("/bin/sh", "-c", kill).start().waitFor();
        throw new IllegalStateException("the process survived SIGABRT");
    }

    private static byte[] exit(String request) {
        System.exit(request.isEmpty() ? 3 : Integer.parseInt(request));
        return null;
    }

    /**
     * Runs a program. The first line is {@code wait MS} or {@code end MS}, and each further line is
     * a word of the command. After the time the program is waited for, or ended first.
     */
    private static byte[] run(String request) throws IOException, InterruptedException {
        String[] lines = request.split("\n");
        String[] first = lines[0].split(" ");
        Process program =
                new ProcessBuilder(Arrays.copyOfRange(lines, 1, lines.length)).inheritIO().start();
        Thread.sleep(Long.parseLong(first[1]));
        if (first[0].equals("end")) {
            program.destroy();
        }
        // Java reports a signal as a code above 128.
        int code = program.waitFor();
        return bytes(code > 128 ? "signal " + (code - 128) : "exit " + code);
    }

    private static byte[] environment() {
        return bytes(
                System.getenv().entrySet().stream()
                        .map(Object::toString)
                        .sorted()
                        .collect(Collectors.joining("\n")));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static String text(byte[] request) {
        return request == null ? "" : new String(request, UTF_8);
    }
}
