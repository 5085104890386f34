package io.github.restyffi;

import io.github.restyffi.FfiRuntime.Method;

/** A plain method that was opened as a stream and waits for the one message that is its request. */
final class AwaitedCall extends CallInFlight {
    final Method method;
    final long deadlineNanos;

    AwaitedCall(Poller poller, long id, String methodName, long deadlineNanos, Method method) {
        super(poller, id, methodName, deadlineNanos, null, null);
        this.method = method;
        this.deadlineNanos = deadlineNanos;
    }
}
