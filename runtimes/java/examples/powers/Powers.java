package demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.restyffi.Call;
import io.github.restyffi.Config;
import io.github.restyffi.FfiRuntime;
import io.github.restyffi.MessageStream;
import io.github.restyffi.RestyFfiException;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * {@code ngx.load_ffi("ffi_java", "demo.Powers,init,{\"greeting\":\"Hi\"}", {dicts = {"cache"}})}
 */
public final class Powers {
    public static FfiRuntime init(Config config) {
        Settings settings = config.json(Settings.class);
        return FfiRuntime.builder()
                .streamMethod("ticks", Powers::ticks)
                .streamMethod("upper", Powers::upper)
                .method("slow", (request, call) -> slow(config, call))
                .fastMethod("divide", Powers::divide)
                .fastMethod("hello", (name, call) -> hello(config, settings, text(name)))
                .asyncMethod("visits", (name, call) -> visits(config, text(name)))
                .build();
    }

    // [stream]
    static void ticks(MessageStream stream, Call call) throws InterruptedException {
        int n = Integer.parseInt(text(stream.receive()));
        for (int i = 0; i < n; i++) {
            stream.send(bytes("tick " + i)); // waits while the client is slower
        }
    }

    static void upper(MessageStream stream, Call call) throws InterruptedException {
        for (byte[] message; (message = stream.receive()) != null; ) {
            stream.send(bytes(text(message).toUpperCase()));
        }
    }

    // [/stream]

    // [deadline]
    static byte[] slow(Config config, Call call) throws InterruptedException {
        Optional<Duration> left = call.remaining(); // empty without a deadline
        config.logger().log(System.Logger.Level.DEBUG, "slow has {0}", left);
        Thread.sleep(10_000); // throws an InterruptedException when the call is cancelled
        return bytes("done");
    }

    // [/deadline]

    // [errors]
    static byte[] divide(byte[] request, Call call) {
        String[] numbers = text(request).split(" ");
        int b = Integer.parseInt(numbers[1]);
        if (b == 0) {
            throw new RestyFfiException(22, "division by zero");
        }
        return bytes(Integer.toString(Integer.parseInt(numbers[0]) / b));
    }

    // [/errors]

    // [config]
    record Settings(String greeting) {
        Settings {
            greeting = greeting == null ? "Hello" : greeting;
        }
    }

    // [/config]

    // [log]
    static byte[] hello(Config config, Settings settings, String name) {
        config.logger().log(System.Logger.Level.INFO, "hello " + name);
        return bytes(settings.greeting() + " " + name);
    }

    // [/log]

    // [dict]
    static CompletableFuture<byte[]> visits(Config config, String name) {
        return config.dict("cache")
                .incr("visits:" + name, 1)
                .thenApply(count -> bytes(count.toString()));
    }

    // [/dict]

    private static String text(byte[] bytes) {
        return bytes == null ? "" : new String(bytes, UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
