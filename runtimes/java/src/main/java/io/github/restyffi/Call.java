package io.github.restyffi;

import java.time.Duration;
import java.util.Optional;

/** What a handler knows about the call it serves. Any thread may use it. */
public interface Call {
    /**
     * The name of the method that was called.
     *
     * @return the name; of interest to default handlers, which serve many
     */
    String method();

    /**
     * The time left for the call. The host gives the call up at its deadline, and cancels it.
     *
     * @return the time left, zero when it is up; empty if the call has no deadline
     */
    Optional<Duration> remaining();

    /**
     * Tells when nobody waits for the call any more: its deadline has passed, the caller's
     * connection has closed, or the runtime is being unloaded.
     *
     * @return the cancellation of this call
     */
    Cancellation cancellation();
}
