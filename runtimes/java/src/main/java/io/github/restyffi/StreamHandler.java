package io.github.restyffi;

/**
 * Serves a method that is a stream: any number of messages each way.
 *
 * @see FfiRuntime.Builder#streamMethod(String, StreamHandler)
 */
@FunctionalInterface
public interface StreamHandler {
    /**
     * Serves one stream, on a thread of its own. Its return is the end of the stream; what the
     * client has sent and nobody received is dropped then.
     *
     * @param stream receives and sends
     * @param call what else is known about the call
     * @throws RestyFfiException to end the stream with a code and a message of the runtime's own
     * @throws Exception to end the stream with {@link Status#THREW} and the exception's text
     */
    void handle(MessageStream stream, Call call) throws Exception;
}
