package io.github.restyffi;

import java.util.concurrent.CompletionStage;

/**
 * Serves a method whose answer comes later: one request, one future.
 *
 * @see FfiRuntime.Builder#asyncMethod(String, AsyncHandler)
 */
@FunctionalInterface
public interface AsyncHandler {
    /**
     * Begins one call. Runs on the polling thread, which serves every call of the runtime: it must
     * not block.
     *
     * @param request the request, the handler's to keep or change; null if the caller gave none
     *     (Lua's nil)
     * @param call what else is known about the call
     * @return the answer to come: bytes, or null for none (Lua's nil). It may complete on any
     *     thread. When the call is cancelled, so is {@link CompletionStage#toCompletableFuture()}
     *     of it, after the actions of {@link Cancellation#onCancel}
     * @throws Exception to fail the call; see {@link Handler#handle}
     */
    CompletionStage<byte[]> handle(byte[] request, Call call) throws Exception;
}
