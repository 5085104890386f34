package io.github.restyffi;

/** A plain call that was opened as a stream, and waits for the message that is its request. */
final class AwaitedCall extends CallInFlight {
    final Method method;
    final long deadlineNanos;

    AwaitedCall(Owner owner, long id, String methodName, long deadlineNanos, Method method) {
        super(owner, id, methodName, deadlineNanos);
        this.method = method;
        this.deadlineNanos = deadlineNanos;
    }
}
