/*
 * resty-ffi-run: a runtime in a process of its own. Started by the host's supervisor, never by hand:
 *
 *     resty-ffi-run LIBRARY
 *
 * Two processes: this one watches, its child is the runtime. The watcher tells the host how the child ended (the host
 * cannot always know: nginx reaps every child itself, and would log a signal as an alert), and kills it when the host
 * hangs up. The kernel kills both when the host dies.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../transport/process/child.h"
#include "resty_ffi.h"

#define MAX_ARGS 64

static void say(char what, const char *text)
{
    char message[RF_SAY_MAX];
    int n = snprintf(message, sizeof message, "%c%s", what, text);
    (void)!send(RF_FD_CONTROL, message, (size_t)n < sizeof message ? (size_t)n : sizeof message - 1, MSG_NOSIGNAL);
}

static void fail(const char *text)
{
    say(RF_SAY_FAILED, text);
    _exit(1);
}

/* The host's listening sockets above all: they would stay open when the host restarts. */
static void close_inherited(void)
{
    DIR *d = opendir("/proc/self/fd");
    struct dirent *e;
    while (d && (e = readdir(d))) {
        int fd = atoi(e->d_name);
        if (fd >= RF_FD_FIRST_FREE && fd != dirfd(d))
            close(fd);
    }
    if (d)
        closedir(d);
}

/*
 * A host that was started without them has other files there, or none: what the runtime prints would go into whatever
 * is opened next. A listening socket of nginx is one of those.
 */
static void own_stdio(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        int listens = 0;
        socklen_t size = sizeof listens;
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
        if (fcntl(fd, F_GETFD) >= 0 && !listens)
            continue;
        int null = open("/dev/null", O_RDWR);
        if (null >= 0 && null != fd) {
            dup2(null, fd);
            close(null);
        }
    }
}

/* The functions of libresty_ffi.so, found when it is open: linking it would tie this program to one place. */
struct api {
    resty_ffi_queue *(*attach)(const char **error);
    const char *(*config)(resty_ffi_queue *q, size_t *len);
    void (*ready)(resty_ffi_queue *q);
    void (*left)(resty_ffi_queue *q);
};

static void *symbol(void *lib, const char *name)
{
    void *s = dlsym(lib, name);
    if (!s)
        fail("libresty_ffi.so and resty-ffi-run are not of the same version");
    return s;
}

static void open_api(struct api *a)
{
    const char *path = getenv(RF_ENV_LIB);
    void *lib = dlopen(path ? path : "libresty_ffi.so", RTLD_NOW | RTLD_GLOBAL);
    if (!lib)
        fail(dlerror());
    *(void **)&a->attach = symbol(lib, "resty_ffi_attach");
    *(void **)&a->config = symbol(lib, "resty_ffi_config");
    *(void **)&a->ready = symbol(lib, "resty_ffi_ready");
    *(void **)&a->left = symbol(lib, "resty_ffi_child_left");
}

static void exec_program(int (*argv_of)(const char *cfg, char *out, int size), const char *cfg)
{
    static char args[65536];
    char *argv[MAX_ARGS + 1], text[RF_SAY_MAX];
    int used = argv_of(cfg, args, sizeof args), n = 0;
    if (used < 0)
        fail(args);
    if (used > (int)sizeof args || used == 0 || args[used - 1] != 0)
        fail("libffi_argv wrote no proper command line");
    for (int at = 0; at < used && n < MAX_ARGS; at += (int)strlen(args + at) + 1)
        argv[n++] = args + at;
    argv[n] = NULL;
    execvp(argv[0], argv);
    snprintf(text, sizeof text, "%.500s could not be started: %s", argv[0], strerror(errno));
    fail(text);
}

/* Runs a library that exports libffi_init until it is unloaded. */
static void serve(const struct api *a, resty_ffi_queue *q, int (*init)(char *cfg, void *tq))
{
    char text[64];
    size_t len;
    const char *cfg = a->config(q, &len);
    char *copy = cfg ? strdup(cfg) : NULL;
    int rc = init(copy, q);
    free(copy);
    if (rc != 0) {
        snprintf(text, sizeof text, "libffi_init returned %d", rc);
        fail(text);
    }
    a->ready(q);
    a->left(q);
    _exit(0); /* without exit handlers: threads of the library may still run */
}

/* The host has searched LD_LIBRARY_PATH and its own folder, dlopen the rest. */
static void not_found(const char *path)
{
    char text[RF_SAY_MAX];
    const char *why = dlerror(), *own = getenv(RF_ENV_LIB), *list = getenv("LD_LIBRARY_PATH");
    if (strchr(path, '/'))
        fail(why);
    const char *slash = own ? strrchr(own, '/') : NULL;
    snprintf(text, sizeof text, "%.500s; searched LD_LIBRARY_PATH (%.200s), %.*s, and the system's library folders",
             why, list ? list : "not set", slash ? (int)(slash - own) : 1, slash ? own : ".");
    fail(text);
}

static void runtime(const char *path)
{
    struct api a;
    const char *error;
    open_api(&a);
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        not_found(path);
    void *init = dlsym(lib, "libffi_init"), *argv = dlsym(lib, "libffi_argv");
    if (!init && !argv)
        fail("it is no runtime: it exports neither libffi_init nor libffi_argv");
    char *queue = strdup(getenv(RF_ENV_QUEUE));
    resty_ffi_queue *q = a.attach(&error);
    if (!q || !queue)
        fail(error);
    if (init) {
        int (*function)(char *, void *);
        *(void **)&function = init;
        serve(&a, q, function);
    }
    int (*function)(const char *, char *, int);
    *(void **)&function = argv;
    /* The program attaches for itself: leave it what this process was given. */
    setenv(RF_ENV_QUEUE, queue, 1);
    for (int fd = RF_FD_MEMORY; fd < RF_FD_FIRST_FREE; fd++)
        fcntl(fd, F_SETFD, 0);
    exec_program(function, a.config(q, NULL));
}

static void describe(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(out, size, "signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(out, size, "exit code %d", WEXITSTATUS(status));
}

static void watch(pid_t child, int signals)
{
    char text[128];
    int status = 0;
    struct pollfd p[2] = {{signals, POLLIN, 0}, {RF_FD_CONTROL, POLLIN, 0}};
    for (;;) {
        poll(p, 2, -1);
        struct signalfd_siginfo info;
        while (p[0].revents && read(signals, &info, sizeof info) == sizeof info)
            if (info.ssi_signo != SIGCHLD)
                kill(child, (int)info.ssi_signo);
        if (p[1].revents & (POLLHUP | POLLERR))
            kill(child, SIGKILL);
        pid_t done = waitpid(child, &status, p[1].revents & (POLLHUP | POLLERR) ? 0 : WNOHANG);
        if (done == child || (done < 0 && errno == ECHILD))
            break;
    }
    describe(status, text, sizeof text);
    say(RF_SAY_EXITED, text);
}

int main(int argc, char **argv)
{
    sigset_t watched, none;
    if (argc != 2 || !getenv(RF_ENV_QUEUE)) {
        fprintf(stderr, "resty-ffi-run is started by a resty-ffi host, not by hand\n");
        return 2;
    }
    pid_t host = getppid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != host || host == 1)
        return 1;
    own_stdio();
    close_inherited();
    sigemptyset(&none);
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    pid_t self = getpid(), child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self)
            _exit(1);
        sigprocmask(SIG_SETMASK, &none, NULL);
        runtime(argv[1]);
    }
    if (child < 0)
        fail("no process could be started (see ulimit -u)");
    int signals = signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC);
    for (int fd = RF_FD_MEMORY; fd < RF_FD_CONTROL; fd++)
        close(fd);
    watch(child, signals);
    return 0;
}
