package io.github.restyffi;

import java.util.List;
import java.util.concurrent.Executor;

/**
 * What one loaded runtime has from us: its configuration, the way to the host's log and dict, and
 * its threads.
 */
final class Services implements Config {
    private final Queue queue;
    private final String text;
    private final Outbox outbox;
    private final QueueLogger logger;
    private final DictRequests dicts;
    private final ClassLoader classes = Thread.currentThread().getContextClassLoader();
    private final Executor executor = task -> chosen().execute(task);
    private volatile Executor chosen;
    private Threads threads;

    Services(Queue queue, String text) {
        this.queue = queue;
        this.text = text;
        outbox = new Outbox(queue);
        logger = new QueueLogger(queue.name(), outbox);
        dicts = new DictRequests(outbox, executor);
    }

    @Override
    public String text() {
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

    /** Uses the author's executor, if not null. Before the first call. */
    void use(Executor authors) {
        if (authors != null) {
            chosen = authors;
        }
    }

    /** The author's executor or ours, which is made when it is first needed. */
    Executor chosen() {
        Executor known = chosen;
        return known != null ? known : startThreads();
    }

    /** The author's executor, or threads of ours that may be held for long. */
    Executor streams() {
        return chosen() instanceof Threads ours ? ours.streams() : chosen();
    }

    /** Closes what the author wants closed, then ends our threads. */
    void close(List<AutoCloseable> resources) {
        for (AutoCloseable resource : resources) {
            try {
                resource.close();
            } catch (Throwable t) {
                logger.log(System.Logger.Level.ERROR, "a resource of onUnload threw", t);
            }
        }
        endThreads();
    }

    private synchronized Executor startThreads() {
        if (chosen == null) {
            threads = new Threads(classes);
            chosen = threads;
        }
        return chosen;
    }

    private synchronized void endThreads() {
        if (threads != null) {
            threads.end();
        }
    }
}
