package io.github.restyffi;

import org.jspecify.annotations.Nullable;

/**
 * The three functions of version 1 of the interface, for classes that were written for it. The host
 * loads such a class by a method {@code static int init(String cfg, long tq)}; the class polls the
 * queue itself, one task at a time. New code uses {@link FfiRuntime} instead.
 *
 * <pre>{@code
 * public static int init(String cfg, long tq) {
 *     Thread thread = new Thread(() -> {
 *         long task;
 *         while ((task = Version1.taskPoll(tq)) != 0) {
 *             Version1.respond(task, 0, Version1.getRequest(task));
 *         }
 *     });
 *     thread.setDaemon(true);
 *     thread.start();
 *     return 0;
 * }
 * }</pre>
 *
 * <p>Queues and tasks are addresses of the host. A wrong one, or a task that is used after its
 * answer, may crash the host. Any thread may call these methods. A class may also bind the host's
 * functions {@code ngx_http_lua_ffi_*} by a native library of its own.
 */
public final class Version1 {
    private Version1() {}

    /**
     * Waits for a task, for as long as it takes.
     *
     * @param tq the queue, as {@code init} received it
     * @return the task; 0 when the runtime is being unloaded: the thread must end then and not use
     *     the queue any more
     */
    public static native long taskPoll(long tq);

    /**
     * Returns the request of a task.
     *
     * @param task a task that has not been answered
     * @return a copy of the request; null if the caller passed nil
     * @throws OutOfMemoryError if the request does not fit into the Java heap
     */
    public static native byte @Nullable [] getRequest(long task);

    /**
     * Answers a task. Each task is answered once.
     *
     * @param task a task that has not been answered
     * @param rc 0 for success, else the code of the failure
     * @param response the answer, or the message of the failure; null answers nil. It is copied
     * @throws OutOfMemoryError if there is no memory for the copy; the task is not answered then
     */
    public static native void respond(long task, int rc, byte @Nullable [] response);
}
