package demo;

import io.github.restyffi.Config;
import io.github.restyffi.FfiRuntime;

/** {@code ngx.load_ffi("ffi_java", "demo.Echo,init,"):echo(bytes)} answers the same bytes. */
public final class Echo {
    public static FfiRuntime init(Config config) {
        return FfiRuntime.builder().fastMethod("echo", (request, call) -> request).build();
    }
}
