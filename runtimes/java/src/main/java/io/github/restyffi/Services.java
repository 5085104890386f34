package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** What this library gives one loaded runtime: configuration, log, shared dicts and threads. */
final class Services implements Config {
    /** How long closing may go on after its thread has been interrupted. */
    private static final long OBEDIENCE_MILLIS = 100;

    private final Queue queue;
    private final @Nullable String text;
    private final Outbox outbox;
    private final QueueLogger logger;
    private final DictRequests dicts;
    private final ClassLoader classes = Thread.currentThread().getContextClassLoader();
    private final Executor executor = task -> chosen().execute(task);
    private volatile @Nullable Executor chosen;
    private @Nullable Threads threads;

    Services(Queue queue, @Nullable String text) {
        this.queue = queue;
        this.text = text;
        outbox = new Outbox(queue);
        logger = new QueueLogger(queue.name(), outbox);
        dicts = new DictRequests(outbox, executor);
    }

    @Override
    public @Nullable String text() {
        return text;
    }

    @Override
    public <T extends Record> T json(Class<T> type) {
        return JsonRecords.decode(text, type);
    }

    @Override
    public String name() {
        return logger.getName();
    }

    @Override
    public HostLogger logger() {
        return logger;
    }

    @Override
    public HostDict dict() {
        return dict("");
    }

    @Override
    public HostDict dict(String name) {
        return new HostDict(dicts, name);
    }

    @Override
    public Executor executor() {
        return executor;
    }

    @Override
    public int abi() {
        return queue.abi();
    }

    DictRequests dicts() {
        return dicts;
    }

    Outbox outbox() {
        return outbox;
    }

    /** Uses the executor of the author, if there is one. Before the first call. */
    void use(@Nullable Executor authors) {
        if (authors != null) {
            chosen = authors;
        }
    }

    /** Returns the executor of the author, else the threads of this library, made on demand. */
    Executor chosen() {
        Executor known = chosen;
        return known != null ? known : startThreads();
    }

    /** Returns the executor for tasks that may last as long as a stream. */
    Executor streams() {
        return chosen() instanceof Threads ours ? ours.streams() : chosen();
    }

    /** Closes resources in turn, until a time of {@link System#nanoTime}. */
    void close(List<AutoCloseable> resources, long end) {
        Thread closer = Threads.daemon(() -> resources.forEach(this::close), classes);
        closer.start();
        try {
            TimeUnit.NANOSECONDS.timedJoin(closer, end - System.nanoTime());
            if (closer.isAlive()) {
                closer.interrupt();
                closer.join(OBEDIENCE_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // then nothing is waited for
        }
        if (closer.isAlive()) {
            logger.log(
                    System.Logger.Level.ERROR,
                    "a resource of onUnload was not closed in its time (drain_timeout, worker_shutdown_timeout)");
        }
    }

    private void close(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Throwable t) {
            logger.log(System.Logger.Level.ERROR, "a resource of onUnload threw", t);
        }
    }

    private synchronized Executor startThreads() {
        Executor known = chosen;
        if (known == null) {
            known = threads = new Threads(classes);
            chosen = known;
        }
        return known;
    }

    /** Ends the threads of this library. */
    synchronized void end() {
        if (threads != null) {
            threads.end();
        }
    }
}
