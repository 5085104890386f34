package io.github.restyffi;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A call that is being served. As a task it runs a handler that may block; at the end it is itself
 * the frame that answers.
 */
sealed class CallInFlight extends Outgoing implements Call, Cancellation, Runnable
        permits StreamInFlight, AwaitedCall {
    private static final byte[] CANCELLED =
            "cancelled before it began".getBytes(StandardCharsets.UTF_8);

    private final Poller poller;
    private final String methodName;
    private final long deadlineNanos;
    private final Handler handler;
    private byte[] request;

    private volatile boolean cancelled;
    private boolean begun;
    private Thread runner;
    private List<Runnable> onCancel;
    private CompletableFuture<byte[]> future;

    CallInFlight(
            Poller poller,
            long id,
            String methodName,
            long deadlineNanos,
            Handler handler,
            byte[] request) {
        this.poller = poller;
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
                return; // cancelled before its turn came
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
        Thread.interrupted(); // one that came too late for the handler is not for the thread's
        // next task
        finish(answer, thrown);
    }

    /** Calls the handler. */
    byte[] serve() throws Exception {
        byte[] input = request;
        request = null;
        return handler.handle(input, this);
    }

    /** Its answer will come from this future. On the polling thread. */
    void awaits(CompletableFuture<byte[]> answer) {
        future = answer;
        answer.whenComplete(this::finish);
    }

    /** Nobody waits for it any more. On the polling thread. */
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
            poller.finish(this, Status.CANCELLED, CANCELLED);
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

    /** The handler has answered or thrown. */
    void finish(byte[] answer, Throwable thrown) {
        if (thrown == null) {
            poller.finish(this, 0, answer);
        } else {
            Throwable t = Failure.unwrap(thrown);
            int status = Failure.status(t, cancelled);
            Failure.log(poller.logger(), methodName, t, status);
            poller.finish(this, status, Failure.text(t));
        }
    }

    private void run(Runnable action) {
        try {
            action.run();
        } catch (Throwable t) {
            poller.logger().log(System.Logger.Level.ERROR, "an action of onCancel threw", t);
        }
    }
}
