package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A call that is being served. Run as a task, it calls a handler that may block. It is also the
 * frame that answers the call.
 */
class CallInFlight extends Outgoing implements Call, Cancellation, Runnable {
    private static final byte[] CANCELLED =
            "cancelled before it began".getBytes(StandardCharsets.UTF_8);

    private final Owner owner;
    private final String methodName;
    private final long deadlineNanos;
    private final @Nullable Handler handler;
    private byte @Nullable [] request;

    private volatile boolean cancelled;
    private boolean begun;
    private @Nullable Thread runner;
    private @Nullable List<Runnable> onCancel;
    private @Nullable CompletableFuture<byte @Nullable []> future;

    /** A call that the polling thread serves. */
    CallInFlight(Owner owner, long id, String methodName, long deadlineNanos) {
        this(owner, id, methodName, deadlineNanos, null, null);
    }

    /** A call that runs as a task. */
    CallInFlight(
            Owner owner,
            long id,
            String methodName,
            long deadlineNanos,
            @Nullable Handler handler,
            byte @Nullable [] request) {
        this.owner = owner;
        this.id = id;
        this.methodName = methodName;
        this.deadlineNanos = deadlineNanos;
        this.handler = handler;
        this.request = request;
    }

    @Override
    public String method() {
        return methodName;
    }

    @Override
    public Optional<Duration> remaining() {
        if (deadlineNanos == 0) {
            return Optional.empty();
        }
        // The host counts CLOCK_MONOTONIC, which is what a JVM on Linux reads here.
        return Optional.of(Duration.ofNanos(Math.max(0, deadlineNanos - System.nanoTime())));
    }

    @Override
    public Cancellation cancellation() {
        return this;
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }

    @Override
    public void onCancel(Runnable action) {
        synchronized (this) {
            if (!cancelled) {
                if (onCancel == null) {
                    onCancel = new ArrayList<>(1);
                }
                onCancel.add(action);
                return;
            }
        }
        run(action);
    }

    /** Serves the call on this thread. */
    @Override
    public void run() {
        synchronized (this) {
            if (begun) {
                return; // the call was cancelled before its turn
            }
            begun = true;
            runner = Thread.currentThread();
        }
        byte[] answer = null;
        Throwable thrown = null;
        try {
            answer = serve();
        } catch (Throwable t) {
            thrown = t;
        }
        synchronized (this) {
            if (cancelled && runner instanceof Threads.Pooled pooled) {
                pooled.found();
            }
            runner = null;
        }
        // An interrupt that came too late for the handler must not reach the next task.
        Thread.interrupted();
        finish(answer, thrown);
    }

    /** Calls the handler. */
    byte @Nullable [] serve() throws Exception {
        byte[] input = request;
        request = null;
        return Objects.requireNonNull(handler).handle(input, this);
    }

    /** Answers the call when a future completes. On the polling thread. */
    void awaits(CompletableFuture<byte @Nullable []> answer) {
        future = answer;
        answer.whenComplete(this::finish);
    }

    /** Cancels the call, for which nobody waits any more. On the polling thread. */
    void cancel() {
        List<Runnable> actions;
        synchronized (this) {
            if (cancelled) {
                return;
            }
            cancelled = true;
            actions = onCancel;
            onCancel = null;
        }
        if (actions != null) {
            actions.forEach(this::run);
        }
        if (future != null) {
            future.cancel(true);
        } else if (!interruptIfBegun()) {
            owner.finish(this, Status.CANCELLED, CANCELLED);
        }
    }

    private synchronized boolean interruptIfBegun() {
        if (runner != null) {
            runner.interrupt();
            if (runner instanceof Threads.Pooled pooled) {
                pooled.lost();
            }
        }
        boolean before = begun;
        begun = true;
        return before;
    }

    /** Answers the call: the handler has answered or thrown. */
    void finish(byte @Nullable [] answer, @Nullable Throwable thrown) {
        if (thrown == null) {
            owner.finish(this, 0, answer);
        } else {
            Throwable t = Failure.unwrap(thrown);
            int status = Failure.status(t, cancelled);
            Failure.log(owner.logger(), methodName, t, status);
            owner.finish(this, status, Failure.text(t));
        }
    }

    private void run(Runnable action) {
        try {
            action.run();
        } catch (Throwable t) {
            owner.logger().log(System.Logger.Level.ERROR, "an action of onCancel threw", t);
        }
    }
}
