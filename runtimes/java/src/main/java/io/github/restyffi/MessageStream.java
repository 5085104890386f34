package io.github.restyffi;

/**
 * A stream of messages in both directions, as its handler sees it.
 *
 * <pre>{@code
 * .streamMethod("upper", (stream, call) -> {
 *     byte[] message;
 *     while ((message = stream.receive()) != null) {
 *         stream.send(new String(message, UTF_8).toUpperCase().getBytes(UTF_8));
 *     }
 * })
 * }</pre>
 *
 * <p>Both directions have a window: the client sends no more than fits before the handler has
 * received it, and {@link #send} waits while the client is slower. So little memory is held,
 * however much flows. Any thread may use a stream; a message goes to one of those that receive.
 */
public interface MessageStream {
    /**
     * Waits for the client's next message.
     *
     * @return the message, the handler's to keep or change; null when the client has sent its last
     * @throws InterruptedException when the call is cancelled, or the thread interrupted
     * @throws IllegalStateException after the end of the handler
     */
    byte[] receive() throws InterruptedException;

    /**
     * Sends a message to the client; waits while it cannot take more.
     *
     * @param message the message, no longer touched by the handler
     * @throws InterruptedException when the call is cancelled, or the thread interrupted
     * @throws IllegalStateException after the end of the handler
     */
    void send(byte[] message) throws InterruptedException;
}
