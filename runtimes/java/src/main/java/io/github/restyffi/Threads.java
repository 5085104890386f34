package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The threads of a runtime that has no executor of its own. Where the JVM has virtual threads, each
 * task has one. Elsewhere calls share a pool, and each stream has a thread, because it may last.
 *
 * <p>The threads do not inherit from the call that happens to start them: the value of an {@link
 * InheritableThreadLocal}, for example a user, must not reach the next call.
 */
final class Threads implements Executor {
    private static final int MOST = 64;
    private static final int IDLE_SECONDS = 10;
    private static final String NAME = "ffi-java";

    private final ClassLoader classes;
    private final @Nullable ThreadFactory virtual = virtualThreads();
    private final @Nullable ThreadPoolExecutor pool = virtual == null ? pool() : null;
    private final @Nullable ThreadPoolExecutor own = virtual == null ? own() : null;
    private int lost;

    /** Makes threads with this context class loader. */
    Threads(ClassLoader classes) {
        this.classes = classes;
    }

    @Override
    public void execute(Runnable task) {
        if (virtual == null) {
            Objects.requireNonNull(pool).execute(task);
        } else {
            Thread thread = virtual.newThread(task);
            thread.setContextClassLoader(classes);
            thread.start();
        }
    }

    /** Returns the executor for tasks that may last. */
    Executor streams() {
        return own != null ? own : this;
    }

    void end() {
        if (pool != null) {
            pool.shutdown(); // the threads that run have been interrupted by now
        }
        if (own != null) {
            own.shutdown();
        }
    }

    static Thread daemon(Runnable task, ClassLoader classes) {
        return prepared(new Thread(null, task, NAME, 0, false), classes);
    }

    private static Thread prepared(Thread thread, ClassLoader classes) {
        thread.setDaemon(true);
        thread.setContextClassLoader(classes);
        return thread;
    }

    /** A thread of the pool. */
    final class Pooled extends Thread {
        private boolean lost;

        private Pooled(Runnable task) {
            super(null, task, NAME, 0, false);
            prepared(this, classes);
        }

        /** Takes the thread out of the count: its handler has not yet heard that it is to stop. */
        void lost() {
            lost = true;
            resize(1);
        }

        /** Counts the thread again: its handler has ended. */
        void found() {
            if (lost) {
                lost = false;
                resize(-1);
            }
        }
    }

    private synchronized void resize(int by) {
        ThreadPoolExecutor resized = Objects.requireNonNull(pool);
        lost += by;
        if (by > 0) {
            resized.setMaximumPoolSize(MOST + lost);
            resized.setCorePoolSize(MOST + lost);
        } else {
            resized.setCorePoolSize(MOST + lost);
            resized.setMaximumPoolSize(MOST + lost);
        }
    }

    /** Runs {@link #MOST} tasks at a time; further ones wait. Idle threads end. */
    private ThreadPoolExecutor pool() {
        ThreadPoolExecutor threads =
                new ThreadPoolExecutor(
                        MOST,
                        MOST,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        Pooled::new);
        threads.allowCoreThreadTimeOut(true);
        return threads;
    }

    private ThreadPoolExecutor own() {
        return new ThreadPoolExecutor(
                0,
                Integer.MAX_VALUE,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                task -> daemon(task, classes));
    }

    /** Thread.ofVirtual().name(…).inheritInheritableThreadLocals(false); null before Java 21. */
    private static @Nullable ThreadFactory virtualThreads() {
        try {
            Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
            Class<?> type = Class.forName("java.lang.Thread$Builder");
            type.getMethod("name", String.class).invoke(builder, NAME);
            type.getMethod("inheritInheritableThreadLocals", boolean.class).invoke(builder, false);
            return (ThreadFactory) type.getMethod("factory").invoke(builder);
        } catch (ReflectiveOperationException e) {
            return null; // Java 17 to 20; in 19 and 20 they are a preview
        }
    }
}
