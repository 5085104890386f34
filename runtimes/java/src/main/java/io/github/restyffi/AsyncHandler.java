package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.CompletionStage;

/**
 * Serves the calls of a method by futures: one request, one answer that comes later.
 *
 * @see FfiRuntime.Builder#asyncMethod(String, AsyncHandler)
 */
@FunctionalInterface
public interface AsyncHandler {
    /**
     * Begins to serve one call. This method runs on the polling thread, which begins every call of
     * the runtime: it must not block.
     *
     * <p>When the call is cancelled, the actions of {@link Cancellation#onCancel} run first. Then
     * the {@link CompletionStage#toCompletableFuture() future} of the stage is cancelled.
     *
     * @param request the request, which belongs to the handler from now on; null if the caller
     *     passed nil, and empty if it passed an empty string
     * @param call the call
     * @return the answer to come, or its failure; it may complete on any thread. The handler must
     *     not change the bytes afterwards; null answers nil
     * @throws Exception to fail the call at once; see {@link Handler#handle}
     */
    CompletionStage<byte @Nullable []> handle(byte @Nullable [] request, Call call)
            throws Exception;
}
