/**
 * Runtimes of resty-ffi in Java: methods that stock nginx calls from Lua without blocking its event
 * loop.
 *
 * <p>A runtime is a class with a static method that takes a {@link io.github.restyffi.Config} and
 * returns an {@link io.github.restyffi.FfiRuntime}:
 *
 * <pre>{@code
 * public final class Echo {
 *     public static FfiRuntime init(Config config) {
 *         return FfiRuntime.builder().method("echo", (request, call) -> request).build();
 *     }
 * }
 * }</pre>
 *
 * <p>The class is on the {@code CLASSPATH} of the host and is loaded by its name:
 *
 * <pre>{@code
 * local rt = ngx.load_ffi("ffi_java", "demo.Echo,init,")
 * local ok, res = rt:echo("hello")
 * }</pre>
 *
 * <h2>Payloads</h2>
 *
 * <p>Requests, answers and messages of streams are byte arrays of up to 128 MiB. Their format is
 * the runtime's own. A request or message that a handler receives belongs to the handler. An answer
 * or message that a handler gives away belongs to this library: the handler must not change it
 * afterwards. {@code null} is Lua's nil; an empty array is an empty string.
 *
 * <h2>Threads</h2>
 *
 * <p>One thread per runtime, the <i>polling thread</i>, takes calls from the host. Every interface
 * says on which thread its methods run. Objects that this library hands out may be used by any
 * thread, except {@link io.github.restyffi.FfiRuntime.Builder}.
 *
 * <h2>Errors</h2>
 *
 * <p>Whatever a handler throws fails its own call only. A {@link
 * io.github.restyffi.RestyFfiException} carries a code and a message to the caller. Any other
 * throwable becomes {@link io.github.restyffi.Status#THREW} with the throwable's text, and its
 * stack trace goes to the log of the host.
 *
 * <h2>Nullness</h2>
 *
 * <p>The package is annotated with JSpecify: what is not {@link org.jspecify.annotations.Nullable}
 * is never null, and a null that is passed there is a programming error. The annotations are not
 * needed at run time.
 */
@NullMarked
package io.github.restyffi;

import org.jspecify.annotations.NullMarked;
