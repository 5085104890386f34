/*
 * The SIGCHLD handlers of nginx and ngx_lua wait for any child, so they would also reap the programs that libraries in
 * the worker have started. In the host's objects, fork() notes the child, and waitpid() of any child waits only for
 * noted ones. libc itself waits for what os.execute and io.popen start.
 */
#include "children.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../objects/imports.h"

/*
 * Main thread only. Changed with SIGCHLD blocked, since nginx waits in its handler. It only grows and is never freed.
 */
static pid_t *children;
static size_t count, size;

static void block(sigset_t *before)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &child, before);
}

static bool grow_children(void)
{
    pid_t *more = realloc(children, (size * 2 + 8) * sizeof *more);
    if (!more)
        return false;
    children = more;
    size = size * 2 + 8;
    return true;
}

static pid_t host_fork(void)
{
    sigset_t before;
    pid_t pid = -1;
    block(&before); /* a child that ends at once must be noted before its signal comes */
    if (count < size || grow_children())
        pid = fork();
    if (pid > 0)
        children[count++] = pid;
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

/* The first of those noted that has ended; 0 = none has. */
static pid_t reap(int *status, int options)
{
    for (size_t k = count; k > 0; k--) {
        pid_t done = waitpid(children[k - 1], status, options);
        if (done != 0)
            children[k - 1] = children[--count];
        if (done > 0)
            return done;
    }
    return 0;
}

static void forget_child(pid_t pid)
{
    for (size_t k = count; k > 0; k--)
        if (children[k - 1] == pid)
            children[k - 1] = children[--count];
}

static pid_t host_waitpid(pid_t pid, int *status, int options)
{
    sigset_t before;
    pid_t done = 0;
    bool any = pid == -1 && options & WNOHANG;
    if (!any)
        done = waitpid(pid, status, options);
    int error = errno;
    block(&before);
    if (any)
        done = reap(status, options);
    else if (done > 0)
        forget_child(done);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return done;
}

void rf_nginx_children_own(void)
{
    rf_imports_replace(RF_HOST, "fork", (void (*)(void))host_fork);
    rf_imports_replace(RF_HOST, "waitpid", (void (*)(void))host_waitpid);
}
