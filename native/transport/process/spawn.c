#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../channel/failed.h"
#include "../../loop/search.h"
#include "child.h"
#include "supervisor.h"

extern char **environ;

/* Whether there is one; whether it can be started shows then. */
static bool find_runner(char *out, size_t size)
{
    const char *given = getenv("RESTY_FFI_RUNNER");
    if (given)
        return snprintf(out, size, "%s", given), true;
    static const char *const places[] = {"../bin", ".", "../libexec"};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        snprintf(out, size, "%s/%s/resty-ffi-run", rf_search_own_folder(), places[k]);
        if (access(out, F_OK) == 0)
            return true;
    }
    return false;
}

static bool own_variable(const char *variable)
{
    return strncmp(variable, RF_ENV_QUEUE "=", sizeof RF_ENV_QUEUE) == 0 ||
           strncmp(variable, RF_ENV_LIB "=", sizeof RF_ENV_LIB) == 0;
}

static const char *host_variable(const char *name)
{
    size_t len = strlen(name);
    for (char **v = environ; v && *v; v++)
        if (strncmp(*v, name, len) == 0 && (*v)[len] == '=')
            return *v;
    return NULL;
}

/*
 * The host's environment, or what the option env allows of it, plus two variables. The array is the caller's to free;
 * the strings are not copied.
 */
static char **environment(const char *allowed, char *queue, char *lib)
{
    size_t n = 0, kept = 0;
    for (const char *at = allowed; at && *at; at += strlen(at) + 1)
        n++;
    while (!allowed && environ && environ[n])
        n++;
    const char **env = malloc((n + 3) * sizeof *env);
    if (!env)
        return NULL;
    for (size_t k = 0; !allowed && k < n; k++)
        if (!own_variable(environ[k]))
            env[kept++] = environ[k];
    for (const char *at = allowed; at && *at; at += strlen(at) + 1) {
        const char *variable = strchr(at, '=') ? at : host_variable(at);
        if (variable && !own_variable(variable))
            env[kept++] = variable;
    }
    env[kept++] = queue;
    env[kept++] = lib;
    env[kept] = NULL;
    return (char **)env;
}

/* resty-ffi-run's options, from those of the runtime. */
struct arguments {
    char memory[40], files[40], cpus[40];
    char *argv[9];
};

static void make_arguments(struct arguments *a, char *runner, const resty_ffi_options *o, char *lib)
{
    int n = 0;
    a->argv[n++] = runner;
    snprintf(a->memory, sizeof a->memory, "--memory=%llu", (unsigned long long)o->memory);
    snprintf(a->files, sizeof a->files, "--files=%u", o->files);
    snprintf(a->cpus, sizeof a->cpus, "--cpus=%u", o->cpus);
    if (o->memory)
        a->argv[n++] = a->memory;
    if (o->files)
        a->argv[n++] = a->files;
    if (o->cpus)
        a->argv[n++] = a->cpus;
    if (o->global)
        a->argv[n++] = "--global";
    if (o->user) {
        a->argv[n++] = "--user";
        a->argv[n++] = (char *)o->user;
    }
    a->argv[n++] = lib;
    a->argv[n] = NULL;
}

/* Above all numbers that the child gets, so that placing one cannot overwrite another. */
static int move_up(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 64);
}

static void close_one(int fd)
{
    if (fd >= 0)
        close(fd);
}

const char *rf_spawn(struct rf_child *c, char *error, size_t size)
{
    struct rf_instance *i = c->instance;
    char runner[4096], lib[4096], own[4200], started[3100], queue[64];
    if (!find_runner(runner, sizeof runner)) {
        snprintf(error, size,
                 "the program resty-ffi-run is missing: searched ../bin, . and ../libexec from %s, the folder of "
                 "libresty_ffi.so; another place can be named in RESTY_FFI_RUNNER",
                 rf_search_own_folder());
        return error;
    }
    rf_search_find(i->lib, lib, sizeof lib);
    snprintf(own, sizeof own, RF_ENV_LIB "=%s/libresty_ffi.so", rf_search_own_folder());
    int n = snprintf(queue, sizeof queue, RF_ENV_QUEUE "=%u", i->q.ch.at.max_queue);
    if (i->shared.segment >= 0)
        snprintf(queue + n, sizeof queue - (size_t)n, ":%d", i->shared.segment);
    int pair[2], out[2] = {-1, -1}, err[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return rf_failed(error, size, "socketpair", errno);
    const char *failed = pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0 ? "pipe2" : NULL;
    int rc = failed ? errno : 0;
    /* Each number has a file, also that of a memfd which is not there: nothing else may come to lie there. */
    const int files[6] = {i->shared.memfd >= 0 ? i->shared.memfd : i->q.ch.to_runtime,
                          i->q.ch.to_runtime,
                          i->q.ch.to_host,
                          pair[1],
                          out[1],
                          err[1]};
    int fds[6];
    for (int k = 0; k < 6; k++) {
        fds[k] = failed ? -1 : move_up(files[k]);
        if (!failed && fds[k] < 0) {
            failed = "fcntl(F_DUPFD_CLOEXEC)";
            rc = errno;
        }
    }
    char **env = environment(i->options->env, queue, own);
    struct arguments arguments;
    make_arguments(&arguments, runner, i->options, lib);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    /* A process group of its own: Ctrl-C on the host's terminal is the host's to handle. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    if (!failed && !env) {
        failed = "malloc";
        rc = ENOMEM;
    }
    static const int numbers[6] = {RF_FD_MEMORY, RF_FD_TO_RUNTIME, RF_FD_TO_HOST, RF_FD_CONTROL, 1, 2};
    for (int k = 0; k < 6 && rc == 0; k++)
        rc = posix_spawn_file_actions_adddup2(&actions, fds[k], numbers[k]);
    if (rc == 0)
        rc = posix_spawn(&c->runner, runner, &actions, &attributes, arguments.argv, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(env);
    for (int k = 0; k < 6; k++)
        close_one(fds[k]);
    close(pair[1]);
    close_one(out[1]);
    close_one(err[1]);
    if (rc != 0) {
        close(pair[0]);
        close_one(out[0]);
        close_one(err[0]);
        snprintf(started, sizeof started, "the start of %.3000s", runner);
        return rf_failed(error, size, failed ? failed : started, rc);
    }
    c->control = pair[0];
    c->output[0].fd = out[0];
    c->output[1].fd = err[0];
    /* The file of the child's end stays blocking: what it prints waits for us. */
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    return NULL;
}
