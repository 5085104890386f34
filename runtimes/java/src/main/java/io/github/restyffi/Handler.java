package io.github.restyffi;

import org.jspecify.annotations.Nullable;

/**
 * Serves the calls of a method: one request, one answer.
 *
 * <p>One handler serves all calls of its method. Several calls may run at the same time, on
 * different threads, so that the handler must be thread-safe.
 *
 * @see FfiRuntime.Builder#method(String, Handler)
 * @see FfiRuntime.Builder#fastMethod(String, Handler)
 */
@FunctionalInterface
public interface Handler {
    /**
     * Serves one call.
     *
     * @param request the request, which belongs to the handler from now on; null if the caller
     *     passed nil, and empty if it passed an empty string
     * @param call the call
     * @return the answer, which the handler must not change afterwards; null answers nil
     * @throws RestyFfiException to fail the call with a code and a message of the handler's choice
     * @throws InterruptedException if the call has been cancelled; then nobody waits for an answer
     * @throws Exception to fail the call with {@link Status#THREW} and the text of the exception;
     *     its stack trace goes to the log
     */
    byte @Nullable [] handle(byte @Nullable [] request, Call call) throws Exception;
}
