package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** A stream that is being served. The window of the client bounds the messages that it holds. */
final class StreamInFlight extends CallInFlight implements MessageStream {
    static final int LEAST_COST = 256;

    private final Owner owner;
    private final StreamHandler handler;
    private final long half;

    /** Guards the fields below. No thread holds it while it waits or sends. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition readable = lock.newCondition();
    private final Condition writable = lock.newCondition();
    private final Queue<byte[]> received = new ArrayDeque<>(4);
    private boolean firstIsFree;
    private boolean clientEnded;
    private @Nullable RestyFfiException failure;
    private long due;
    private long window;
    private boolean broken;
    private boolean over;

    /** Sends one message after the other, and the end after the last. */
    private final ReentrantLock sending = new ReentrantLock();

    StreamInFlight(
            Owner owner,
            long id,
            String methodName,
            long deadlineNanos,
            StreamHandler handler,
            long window) {
        super(owner, id, methodName, deadlineNanos);
        this.owner = owner;
        this.handler = handler;
        this.window = window;
        half = window / 2;
    }

    /** Takes the message that came with the call, if any. Before the stream is served. */
    void opened(byte @Nullable [] first, boolean last) {
        if (first != null) {
            received.add(first);
            firstIsFree = true;
        }
        clientEnded = last;
    }

    /** Takes a message (null for none), which may be the last. On the polling thread. */
    void received(byte @Nullable [] message, boolean last) {
        lock.lock();
        try {
            if (message != null && !broken && !over) {
                received.add(message);
            }
            clientEnded |= last;
            if (last) {
                readable.signalAll();
            } else {
                readable.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Fails the stream, because a message is lost. On the polling thread. */
    void lost(RestyFfiException why) {
        lock.lock();
        try {
            failure = why;
            readable.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Widens the window: the client can take more. On the polling thread. */
    void granted(long bytes) {
        lock.lock();
        try {
            window += bytes;
            if (window > 0) {
                writable.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public byte @Nullable [] receive() throws InterruptedException {
        byte[] message;
        long consumed = 0;
        lock.lockInterruptibly();
        try {
            while (received.isEmpty() && !clientEnded && failure == null && isOpen()) {
                readable.await();
            }
            check();
            message = received.poll();
            if (message == null && failure != null) {
                throw failure;
            }
            if (message == null) {
                return null;
            }
            due += firstIsFree ? 0 : cost(message);
            firstIsFree = false;
            if (due >= half && !clientEnded) {
                consumed = due;
                due = 0;
            }
        } finally {
            lock.unlock();
        }
        if (consumed > 0) {
            Outgoing frame = new Outgoing();
            frame.id = id;
            frame.kind = Kind.WINDOW;
            frame.arg = consumed;
            owner.outbox().send(frame);
        }
        return message;
    }

    @Override
    public void send(byte[] message) throws InterruptedException {
        Objects.requireNonNull(message, "a message of a stream must not be null");
        Outgoing frame = new Outgoing();
        frame.id = id;
        frame.kind = Kind.DATA;
        frame.payload = message;
        sending.lockInterruptibly();
        try {
            takeWindow(cost(message));
            if (!owner.outbox().send(frame)) {
                throw ended();
            }
        } finally {
            sending.unlock();
        }
    }

    /** Runs tasks beside the handler. */
    Executor threads() {
        return owner.streams();
    }

    @Override
    void cancel() {
        super.cancel();
        lock.lock();
        try {
            broken = true;
            received.clear();
            readable.signalAll();
            writable.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    byte @Nullable [] serve() throws Exception {
        handler.handle(this, this);
        return null;
    }

    @Override
    void finish(byte @Nullable [] answer, @Nullable Throwable thrown) {
        end();
        sending.lock();
        try {
            if (thrown == null && isCancelled()) {
                super.finish(null, new CancellationException("the stream was cancelled"));
            } else {
                super.finish(null, thrown);
            }
        } finally {
            sending.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            over = true;
            received.clear();
            readable.signalAll();
            writable.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void takeWindow(long cost) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (window <= 0 && isOpen()) {
                writable.await();
            }
            check();
            window -= cost;
        } finally {
            lock.unlock();
        }
    }

    private boolean isOpen() {
        return !broken && !over;
    }

    private void check() throws InterruptedException {
        if (broken || over && isCancelled()) {
            Thread.interrupted(); // the exception takes the place of the interrupt
            throw new InterruptedException(
                    "the stream of method \"%s\" was cancelled".formatted(method()));
        }
        if (over) {
            throw ended();
        }
    }

    private IllegalStateException ended() {
        return new IllegalStateException(
                "the stream of method \"%s\" has ended".formatted(method()));
    }

    /** Returns what a message takes from the window. */
    private static long cost(byte[] message) {
        return Math.max(message.length, LEAST_COST);
    }
}
