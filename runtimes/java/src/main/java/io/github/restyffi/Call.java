package io.github.restyffi;

import java.time.Duration;
import java.util.Optional;

/**
 * The call that a handler serves.
 *
 * <p>Any thread may use it, also after the handler has answered.
 */
public interface Call {
    /**
     * Returns the name of the method that was called. Default handlers serve many names and can
     * tell them apart by this.
     *
     * @return the name
     */
    String method();

    /**
     * Returns the time that is left for the call. When it is up, the host fails the call with
     * {@link Status#TIMEOUT} and cancels it.
     *
     * @return the time left, {@link Duration#ZERO} when it is up; empty if the call has no deadline
     */
    Optional<Duration> remaining();

    /**
     * Returns the cancellation of this call. A call is cancelled when nobody waits for it any more:
     * its deadline has passed, the caller has gone away, or the runtime is being unloaded.
     *
     * @return the cancellation; the same one each time
     */
    Cancellation cancellation();
}
