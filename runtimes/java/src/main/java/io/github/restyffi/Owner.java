package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.Executor;

/** The runtime that a call belongs to, as the call sees it. Any thread may use it. */
interface Owner {
    /** Sends the last frame of a call, unless it has been sent. */
    void finish(Outgoing call, int status, byte @Nullable [] answer);

    /** The log of the host. */
    HostLogger logger();

    /** Where a call sends its other frames. */
    Outbox outbox();

    /** Runs what may last as long as a stream. */
    Executor streams();
}
