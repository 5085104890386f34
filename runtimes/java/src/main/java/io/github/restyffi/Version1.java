package io.github.restyffi;

/**
 * The three functions of version 1 of the interface, for classes that were written for it: they are
 * loaded by a method {@code static int init(String cfg, long tq)} and poll the queue themselves,
 * one task at a time. (They may also bind {@code ngx_http_lua_ffi_*} with a library of their own;
 * the host exports those.) New code uses {@link FfiRuntime}.
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
 */
public final class Version1 {
    private Version1() {}

    /**
     * Waits for a task.
     *
     * @param tq the queue, as given to {@code init}
     * @return the task; 0 when the runtime is unloaded: end the thread then, and use the queue no
     *     more
     */
    public static native long taskPoll(long tq);

    /**
     * The request of a task.
     *
     * @param task the task, not yet answered
     * @return a copy of the request; null if there is none
     */
    public static native byte[] getRequest(long task);

    /**
     * Answers a task, once.
     *
     * @param task the task
     * @param rc 0 for success, or the code of the failure
     * @param response the answer, or the message of the failure; null for none
     */
    public static native void respond(long task, int rc, byte[] response);
}
