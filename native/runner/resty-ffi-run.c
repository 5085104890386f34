/*
 * resty-ffi-run: a runtime in a process of its own. Started by the host's supervisor, never by hand:
 *
 *     resty-ffi-run [--memory=BYTES] [--files=N] [--cpus=N] [--global] [--user NAME] LIBRARY
 *
 * --memory: how much memory of its own it may use; checked every 50 ms, and more than that ends it. --files: open
 * descriptors. --cpus: processors that it may run on. --global: later libraries see its symbols. --user: the user that
 * it runs as, if the host is root.
 *
 * Two processes: this one watches, its child is the runtime. The watcher tells the host how the child ended (the host
 * cannot always know: nginx reaps every child itself, and would log a signal as an alert), and kills it when the host
 * hangs up. The kernel kills both when the host dies.
 */
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../channel/failed.h"
#include "../transport/process/child.h"
#include "../transport/process/status.h"
#include "resty_ffi.h"

#ifndef SYS_close_range
#define SYS_close_range 436 /* not in the headers of older systems; the same everywhere */
#endif
#define MAX_ARGS 64
#define MEMORY_LOOK_MS 50

/* What the runtime may use; 0 and NULL = whatever the host may. And how it is loaded. */
struct limits {
    unsigned long long memory;
    unsigned long files, cpus;
    const char *user;
    bool global;
};

static void say(char what, const char *text)
{
    char message[RF_SAY_MAX];
    int n = snprintf(message, sizeof message, "%c%s", what, text);
    (void)!send(RF_FD_CONTROL, message, (size_t)n < sizeof message ? (size_t)n : sizeof message - 1, MSG_NOSIGNAL);
}

static void runner_fail_as(char what, const char *text)
{
    fflush(stdout); /* what the library has printed of a line */
    say(what, text);
    _exit(1);
}

static void runner_fail(const char *text)
{
    runner_fail_as(RF_SAY_FAILED, text);
}

static void runner_fail_call(const char *call)
{
    char text[RF_SAY_MAX];
    runner_fail(rf_failed(text, sizeof text, call, errno));
}

/* The host's listening sockets above all: they would stay open when the host restarts. */
static void close_inherited(void)
{
    struct dirent *e;
    if (syscall(SYS_close_range, RF_FD_FIRST_FREE, ~0u, 0) == 0)
        return;
    DIR *d = opendir("/proc/self/fd"); /* before Linux 5.9 */
    if (!d)
        runner_fail_call("opendir of /proc/self/fd, to close what the host has open,");
    while ((e = readdir(d))) {
        int fd = atoi(e->d_name);
        if (fd >= RF_FD_FIRST_FREE && fd != dirfd(d))
            close(fd);
    }
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
    const char *(*settings)(resty_ffi_queue *q);
    void (*ready)(resty_ffi_queue *q);
    void (*left)(resty_ffi_queue *q);
};

static void *symbol(void *lib, const char *name)
{
    void *s = dlsym(lib, name);
    if (!s)
        runner_fail("libresty_ffi.so and resty-ffi-run are not of the same version");
    return s;
}

static void open_api(struct api *a)
{
    const char *path = getenv(RF_ENV_LIB);
    void *lib = dlopen(path ? path : "libresty_ffi.so", RTLD_NOW | RTLD_GLOBAL);
    if (!lib)
        runner_fail(dlerror());
    *(void **)&a->attach = symbol(lib, "resty_ffi_attach");
    *(void **)&a->config = symbol(lib, "resty_ffi_config");
    *(void **)&a->settings = symbol(lib, "resty_ffi_settings");
    *(void **)&a->ready = symbol(lib, "resty_ffi_ready");
    *(void **)&a->left = symbol(lib, "resty_ffi_child_left");
}

/* A program's command line may depend on the settings: they are in its environment, "node" as RESTY_FFI_NODE. */
static void export_settings(const char *list)
{
    for (const char *at = list; at && *at;) {
        char name[128];
        int n = snprintf(name, sizeof name, "RESTY_FFI_%s", at);
        for (char *c = name; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        const char *value = at + strlen(at) + 1;
        if (n < (int)sizeof name)
            setenv(name, value, 1);
        at = value + strlen(value) + 1;
    }
}

static void exec_program(int (*argv_of)(const char *cfg, char *out, int size), const char *cfg)
{
    static char args[65536];
    char *argv[MAX_ARGS + 1], text[RF_SAY_MAX];
    int used = argv_of(cfg, args, sizeof args), n = 0;
    if (used < 0)
        runner_fail(args);
    if (used > (int)sizeof args || used == 0 || args[used - 1] != 0)
        runner_fail("libffi_argv wrote no proper command line");
    for (int at = 0; at < used && n < MAX_ARGS; at += (int)strlen(args + at) + 1)
        argv[n++] = args + at;
    argv[n] = NULL;
    execvp(argv[0], argv);
    bool interpreter = errno == ENOENT && strchr(argv[0], '/') && access(argv[0], F_OK) == 0;
    snprintf(text, sizeof text, "%.500s could not be started: %s%s", argv[0], strerror(errno),
             interpreter ? " (it is there: what is missing is the interpreter that its beginning names)" : "");
    runner_fail(text);
}

/* Runs a library that exports libffi_init until it is unloaded. */
static void serve_until_end(const struct api *a, resty_ffi_queue *q, void *lib, int (*init)(char *cfg, void *tq))
{
    char text[64];
    void (*rest)(void *tq);
    size_t len;
    const char *cfg = a->config(q, &len);
    char *copy = cfg ? strdup(cfg) : NULL;
    int rc = init(copy, q);
    free(copy);
    if (rc != 0) {
        snprintf(text, sizeof text, "libffi_init returned %d", rc);
        runner_fail(text);
    }
    a->ready(q);
    *(void **)&rest = dlsym(lib, "libffi_main");
    if (rest)
        rest(q);
    a->left(q);
    exit(0); /* with the library's exit handlers: the host waits for them for a while, then it kills this process */
}

static void limit_files(unsigned long files)
{
    struct rlimit limit = {files, files}, now;
    if (!files || setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return;
    if (errno == EPERM && getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_max < files)
        runner_fail("limits.files is more than the host itself may open (see ulimit -n)");
    runner_fail_call("setrlimit(RLIMIT_NOFILE)");
}

/* Each runtime begins at another processor: several with --cpus=1 shall not share the first. */
static void limit_cpus(unsigned long cpus)
{
    cpu_set_t all, some;
    if (!cpus)
        return;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        runner_fail_call("sched_getaffinity");
    CPU_ZERO(&some);
    int start = (int)getpid() % CPU_SETSIZE;
    for (int k = 0; k < CPU_SETSIZE && cpus; k++) {
        int cpu = (start + k) % CPU_SETSIZE;
        if (CPU_ISSET(cpu, &all)) {
            CPU_SET(cpu, &some);
            cpus--;
        }
    }
    if (sched_setaffinity(0, sizeof some, &some) != 0)
        runner_fail_call("sched_setaffinity");
}

/* It is looked at in /proc. */
static void limit_memory(unsigned long long memory)
{
    if (memory && access("/proc/self/statm", R_OK) != 0)
        runner_fail_call("limits.memory: access to /proc/self/statm");
}

/* A System V segment is opened by its number, when the user has changed already. */
static void give_memory(uid_t user)
{
    struct shmid_ds d;
    const char *segment = strchr(getenv(RF_ENV_QUEUE), ':');
    if (!segment)
        return;
    if (shmctl(atoi(segment + 1), IPC_STAT, &d) != 0)
        runner_fail_call("shmctl(IPC_STAT)");
    d.shm_perm.uid = user;
    if (shmctl(atoi(segment + 1), IPC_SET, &d) != 0)
        runner_fail_call("shmctl(IPC_SET)");
}

static void become(const char *user)
{
    char text[300], call[150];
    if (!user)
        return;
    struct passwd *p = getpwnam(user);
    if (!p) {
        snprintf(text, sizeof text, "the option user is \"%.100s\", which this system does not know", user);
        runner_fail(text);
    }
    give_memory(p->pw_uid);
    const char *failed = initgroups(user, p->pw_gid) != 0 ? "initgroups"
                         : setgid(p->pw_gid) != 0         ? "setgid"
                         : setuid(p->pw_uid) != 0         ? "setuid"
                                                          : NULL;
    snprintf(call, sizeof call, "%s for the option user = \"%.100s\"", failed ? failed : "", user);
    if (failed && errno == EPERM && geteuid() != 0) {
        snprintf(text, sizeof text, "it cannot run as \"%.100s\": the option user needs a host that runs as root",
                 user);
        runner_fail(text);
    }
    if (failed)
        runner_fail_call(call);
}

static void runtime(const char *path, bool global)
{
    struct api a;
    const char *error;
    setvbuf(stdout, NULL, _IOLBF, 0); /* a pipe: what is printed would be held back, and lost when this is killed */
    open_api(&a);
    char *queue = strdup(getenv(RF_ENV_QUEUE)), *own = strdup(getenv(RF_ENV_LIB) ? getenv(RF_ENV_LIB) : "");
    resty_ffi_queue *q = a.attach(&error);
    if (!q || !queue || !own)
        runner_fail(q ? "no memory" : error);
    /* The library sees the host's environment. It may read it in a thread of its own as soon as it is open. */
    unsetenv(RF_ENV_LIB);
    void *lib = dlopen(path, RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
    if (!lib)
        runner_fail_as(RF_SAY_UNOPENED, dlerror());
    void *init = dlsym(lib, "libffi_init"), *argv = dlsym(lib, "libffi_argv");
    if (!init && !argv)
        runner_fail("it is not a runtime: it exports neither libffi_init nor libffi_argv");
    if (init) {
        int (*function)(char *, void *);
        *(void **)&function = init;
        free(queue);
        free(own);
        serve_until_end(&a, q, lib, function);
    }
    int (*function)(const char *, char *, int);
    *(void **)&function = argv;
    /* The program attaches for itself: leave it what this process was given. */
    setenv(RF_ENV_QUEUE, queue, 1);
    if (*own)
        setenv(RF_ENV_LIB, own, 1);
    for (int fd = RF_FD_MEMORY; fd < RF_FD_FIRST_FREE; fd++)
        fcntl(fd, F_SETFD, 0);
    export_settings(a.settings(q));
    exec_program(function, a.config(q, NULL));
}

/* Bytes that belong to the process alone: without files and memory that it shares. */
static unsigned long long own_memory(pid_t child)
{
    char path[64];
    unsigned long long size = 0, resident = 0, shared = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)child);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    int n = fscanf(f, "%llu %llu %llu", &size, &resident, &shared);
    fclose(f);
    return n == 3 && resident > shared ? (resident - shared) * (unsigned long long)sysconf(_SC_PAGESIZE) : 0;
}

static void watch_child(pid_t child, int signals, unsigned long long memory)
{
    char text[128];
    int status = 0;
    unsigned long long used = 0;
    struct pollfd p[2] = {{signals, POLLIN, 0}, {RF_FD_CONTROL, POLLIN, 0}};
    for (;;) {
        poll(p, 2, memory ? MEMORY_LOOK_MS : -1);
        if (memory && used <= memory && (used = own_memory(child)) > memory)
            kill(child, SIGKILL);
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
    rf_status_text(status, text, sizeof text);
    if (memory && used > memory)
        snprintf(text, sizeof text, "it held %llu MB of memory, limits.memory allows %llu MB", used >> 20,
                 memory >> 20);
    say(RF_SAY_EXITED, text);
}

/* The library's path, or NULL for a command line that no host makes. */
static const char *parse(int argc, char **argv, struct limits *l)
{
    int at = 1;
    for (; at < argc - 1; at++) {
        if (strncmp(argv[at], "--memory=", 9) == 0)
            l->memory = strtoull(argv[at] + 9, NULL, 10);
        else if (strncmp(argv[at], "--files=", 8) == 0)
            l->files = strtoul(argv[at] + 8, NULL, 10);
        else if (strncmp(argv[at], "--cpus=", 7) == 0)
            l->cpus = strtoul(argv[at] + 7, NULL, 10);
        else if (strcmp(argv[at], "--global") == 0)
            l->global = true;
        else if (strcmp(argv[at], "--user") == 0 && at + 2 < argc)
            l->user = argv[++at];
        else
            return NULL;
    }
    return at == argc - 1 ? argv[at] : NULL;
}

int main(int argc, char **argv)
{
    sigset_t watched, none;
    struct limits limits = {0};
    const char *path = parse(argc, argv, &limits);
    if (!path || !getenv(RF_ENV_QUEUE)) {
        fprintf(stderr, "resty-ffi-run is started by a resty-ffi host, not by hand\n");
        return 2;
    }
    argv[1] = NULL;                   /* these are not the library's arguments */
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a host that was gone before has hung up */
    own_stdio();
    close_inherited();
    sigemptyset(&none);
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    limit_memory(limits.memory);
    int signals = signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals < 0)
        runner_fail_call("signalfd");
    pid_t self = getpid(), child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self)
            _exit(1);
        close(signals);
        sigprocmask(SIG_SETMASK, &none, NULL);
        limit_files(limits.files);
        limit_cpus(limits.cpus);
        if (limits.user) {
            become(limits.user);
            prctl(PR_SET_PDEATHSIG, SIGKILL); /* lost with the change of user */
        }
        runtime(path, limits.global);
    }
    if (child < 0)
        runner_fail_call("fork");
    for (int fd = RF_FD_MEMORY; fd < RF_FD_CONTROL; fd++)
        close(fd);
    watch_child(child, signals, limits.memory);
    return 0;
}
