package io.github.restyffi;

import java.util.concurrent.Flow;

/**
 * Serves a method that is a stream by publishers, as reactive libraries have them.
 *
 * <pre>{@code
 * .publisherMethod("prices", (messages, call) -> exchange.prices()) // a Flow.Publisher<byte[]>
 * }</pre>
 *
 * @see FfiRuntime.Builder#publisherMethod(String, PublisherHandler)
 */
@FunctionalInterface
public interface PublisherHandler {
    /**
     * Begins to serve one stream, on a thread that the stream keeps to its end.
     *
     * <p>When the call is cancelled, the subscription of the returned publisher is cancelled, and
     * the messages of the client fail with a {@link java.util.concurrent.CancellationException}.
     *
     * @param messages the messages of the client, for one subscriber. A message is received from
     *     the client only when the subscriber has requested it, and belongs to the subscriber from
     *     then on. {@code onNext} may block
     * @param call the call
     * @return the messages for the client. They are requested one at a time, as fast as the client
     *     takes them, and must not be changed afterwards. Completion ends the stream; an error ends
     *     it as an exception of {@link StreamHandler#handle} does
     * @throws Exception to fail the stream; see {@link StreamHandler#handle}
     */
    Flow.Publisher<byte[]> handle(Flow.Publisher<byte[]> messages, Call call) throws Exception;
}
