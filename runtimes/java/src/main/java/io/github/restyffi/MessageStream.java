package io.github.restyffi;

import org.jspecify.annotations.Nullable;

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
 * <p>Each direction has a window of 256 KiB. The client sends no more than that ahead of {@link
 * #receive}, and {@link #send} waits while the client is that far behind. So a stream holds little
 * memory, however much it carries.
 *
 * <p>Any thread may use a stream. Each message goes to one of the threads that receive.
 */
public interface MessageStream {
    /**
     * Returns the next message of the client, and waits for it.
     *
     * @return the message, which belongs to the handler from now on; null when the client has
     *     closed its direction, and at every call after that
     * @throws InterruptedException if the call is cancelled, or the thread is interrupted
     * @throws IllegalStateException if the handler has returned
     * @throws RestyFfiException with {@link Status#THREW} if the message does not fit into the Java
     *     heap
     */
    byte @Nullable [] receive() throws InterruptedException;

    /**
     * Sends a message to the client, and waits while the window is used up.
     *
     * @param message the message, up to 128 MiB, which the handler must not change afterwards
     * @throws InterruptedException if the call is cancelled, or the thread is interrupted
     * @throws IllegalStateException if the handler has returned
     * @throws NullPointerException if the message is null: a stream has no nil messages
     */
    void send(byte[] message) throws InterruptedException;
}
