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
    private final HostDict dict;
    private volatile Executor executor;
    private Threads threads;

    Services(Queue queue, String text) {
        this.queue = queue;
        this.text = text;
        outbox = new Outbox(queue);
        logger = new QueueLogger(queue.name(), outbox);
        dict = new HostDict(outbox, task -> executor().execute(task));
    }

    @Override
    public String text() {
        return text;
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
        return dict;
    }

    @Override
    public int abi() {
        return queue.abi();
    }

    Outbox outbox() {
        return outbox;
    }

    /** Uses the author's executor, if not null. Before the first call. */
    void use(Executor authors) {
        executor = authors;
    }

    /** The executor; ours is made when it is first needed. */
    Executor executor() {
        Executor known = executor;
        return known != null ? known : startThreads();
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
        if (executor == null) {
            threads = new Threads();
            executor = threads;
        }
        return executor;
    }

    private synchronized void endThreads() {
        if (threads != null) {
            threads.end();
        }
    }
}
