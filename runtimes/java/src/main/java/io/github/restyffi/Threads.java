package io.github.restyffi;

import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The threads of a runtime that brings no executor: virtual ones where there are such, else a pool.
 */
final class Threads implements Executor {
    private static final int MOST = 64;
    private static final int IDLE_SECONDS = 10;

    private final ThreadFactory virtual = virtualThreads();
    private final ExecutorService pool = virtual == null ? pool() : null;

    @Override
    public void execute(Runnable task) {
        if (pool != null) {
            pool.execute(task);
        } else {
            virtual.newThread(task).start();
        }
    }

    void end() {
        if (pool != null) {
            pool.shutdown(); // who runs has been interrupted by now
        }
    }

    static Thread daemon(Runnable task) {
        Thread thread = new Thread(task, "ffi-java");
        thread.setDaemon(true);
        return thread;
    }

    /**
     * Up to the most at a time; then tasks wait. They end when they have had nothing to do for a
     * while.
     */
    private static ExecutorService pool() {
        ThreadPoolExecutor pool =
                new ThreadPoolExecutor(
                        MOST,
                        MOST,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        Threads::daemon);
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** Thread.ofVirtual().name("ffi-java").factory(); null before Java 21. */
    private static ThreadFactory virtualThreads() {
        try {
            Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
            Class<?> type = Class.forName("java.lang.Thread$Builder");
            type.getMethod("name", String.class).invoke(builder, "ffi-java");
            return (ThreadFactory) type.getMethod("factory").invoke(builder);
        } catch (ReflectiveOperationException e) {
            return null; // not there, or in 19 and 20 not enabled
        }
    }
}
