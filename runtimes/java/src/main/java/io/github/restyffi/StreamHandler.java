package io.github.restyffi;

/**
 * Serves a method that is a stream: any number of messages in each direction.
 *
 * <p>One handler serves all streams of its method. Several streams may run at the same time, on
 * different threads, so that the handler must be thread-safe.
 *
 * @see FfiRuntime.Builder#streamMethod(String, StreamHandler)
 */
@FunctionalInterface
public interface StreamHandler {
    /**
     * Serves one stream, on a thread of its own. The stream ends when this method returns or
     * throws; messages that the client has sent and the handler has not received are dropped then.
     *
     * @param stream receives and sends messages; it must not be used after this method has returned
     * @param call the call
     * @throws RestyFfiException to end the stream with a code and a message of the handler's choice
     * @throws InterruptedException if the call has been cancelled; then nobody waits for the end
     * @throws Exception to end the stream with {@link Status#THREW} and the text of the exception;
     *     its stack trace goes to the log
     */
    void handle(MessageStream stream, Call call) throws Exception;
}
