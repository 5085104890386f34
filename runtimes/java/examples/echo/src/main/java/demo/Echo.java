package demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.restyffi.Config;
import io.github.restyffi.FfiRuntime;

/**
 * {@code ngx.load_ffi("ffi_java", "demo.Echo,init,")}: its method {@code echo} answers the same
 * bytes.
 */
public final class Echo {
    public static FfiRuntime init(Config config) {
        return FfiRuntime.builder()
                .fastMethod("echo", (request, call) -> request)
                .defaultFastMethod(
                        (request, call) -> ("hello from " + call.method()).getBytes(UTF_8))
                .build();
    }
}
