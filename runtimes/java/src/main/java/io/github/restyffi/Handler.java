package io.github.restyffi;

/**
 * Serves a method: one request, one answer.
 *
 * @see FfiRuntime.Builder#method(String, Handler)
 * @see FfiRuntime.Builder#fastMethod(String, Handler)
 */
@FunctionalInterface
public interface Handler {
    /**
     * Answers one call. Several calls may run at the same time.
     *
     * @param request the request, the handler's to keep or change; null if the caller gave none
     *     (Lua's nil), which is not the same as an empty one
     * @param call what else is known about the call
     * @return the answer, no longer touched by the handler; null for none (Lua's nil)
     * @throws RestyFfiException to fail the call with a code and a message of the runtime's own
     * @throws Exception to fail the call with {@link Status#THREW} and the exception's text
     */
    byte[] handle(byte[] request, Call call) throws Exception;
}
