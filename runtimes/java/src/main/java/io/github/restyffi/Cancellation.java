package io.github.restyffi;

/**
 * Whether anybody still waits for a call.
 *
 * <p>A cancelled call of {@link FfiRuntime.Builder#method} or {@link
 * FfiRuntime.Builder#streamMethod} has its thread interrupted, and one of {@link
 * FfiRuntime.Builder#asyncMethod} its future cancelled. So this is for work that notices neither:
 *
 * <pre>{@code
 * .asyncMethod("query", (request, call) -> {
 *     Query query = client.start(request);
 *     call.cancellation().onCancel(query::abort);
 *     return query.result();
 * })
 * }</pre>
 */
public interface Cancellation {
    /**
     * Whether the call has been cancelled.
     *
     * @return true from the moment that nobody waits any more
     */
    boolean isCancelled();

    /**
     * Runs an action when the call is cancelled; at once, on this thread, if it has been. Otherwise
     * on the polling thread, so that the action must not block. It is dropped with the call's
     * answer.
     *
     * @param action what to do, once; what it throws goes to the host's log
     */
    void onCancel(Runnable action);
}
