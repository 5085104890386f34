/**
 * Runtimes of resty-ffi in Java: methods that stock nginx calls from Lua without blocking its event
 * loop.
 *
 * <p>A runtime is a class with a static method that takes a {@link Config} and returns an {@link
 * FfiRuntime}:
 *
 * <pre>{@code
 * public final class Echo {
 *     public static FfiRuntime init(Config config) {
 *         return FfiRuntime.builder().method("echo", (request, call) -> request).build();
 *     }
 * }
 * }</pre>
 *
 * <p>Put it on the {@code CLASSPATH} and load it by name:
 *
 * <pre>{@code
 * local rt = ngx.load_ffi("ffi_java", "demo.Echo,init,")
 * local ok, res = rt:echo("hello")
 * }</pre>
 */
package io.github.restyffi;
