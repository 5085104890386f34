package io.github.restyffi;

import java.util.concurrent.Flow;

/**
 * Serves a method that is a stream by publishers, for clients of reactive libraries.
 *
 * @see FfiRuntime.Builder#publisherMethod(String, PublisherHandler)
 */
@FunctionalInterface
public interface PublisherHandler {
    /**
     * Begins one stream.
     *
     * @param messages what the client sends, for one subscriber; it fails with a {@link
     *     java.util.concurrent.CancellationException} when the call is cancelled. What is not
     *     requested is not received
     * @param call what else is known about the call
     * @return what the client gets: one message is requested at a time, as fast as the client takes
     *     them. Its completion ends the stream; its error fails it, as an exception of {@link
     *     StreamHandler#handle} does. When the call is cancelled, so is the subscription
     * @throws Exception to fail the stream
     */
    Flow.Publisher<byte[]> handle(Flow.Publisher<byte[]> messages, Call call) throws Exception;
}
