package io.github.restyffi;

/**
 * Tells whether anybody still waits for a call.
 *
 * <p>Most handlers need not ask. When a call of {@link FfiRuntime.Builder#method} or {@link
 * FfiRuntime.Builder#streamMethod} is cancelled, its thread is interrupted; the future of an {@link
 * FfiRuntime.Builder#asyncMethod} is cancelled. This interface is for work that notices neither:
 *
 * <pre>{@code
 * .asyncMethod("query", (request, call) -> {
 *     Query query = client.start(request);
 *     call.cancellation().onCancel(query::abort);
 *     return query.result();
 * })
 * }</pre>
 *
 * <p>Any thread may use it.
 */
public interface Cancellation {
    /**
     * Returns whether the call has been cancelled.
     *
     * @return true from the moment that nobody waits any more
     */
    boolean isCancelled();

    /**
     * Registers an action for the case that the call is cancelled. The action runs on the polling
     * thread and must not block. If the call has been cancelled already, the action runs at once,
     * on the thread that registers it. When the call is answered first, the action never runs.
     *
     * @param action the action; it runs at most once. What it throws goes to the log
     */
    void onCancel(Runnable action);
}
