#include "spawn.h"

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

/* Whether a runner exists; whether it can be started shows later. */
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
 * The host's environment, or what the option env allows of it, plus two variables. The caller frees the array; the
 * strings are not copied.
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

/* What a child is started with: its descriptors by their numbers there, and our ends of them. */
struct descriptors {
    int child[RF_FD_FIRST_FREE]; /* -1 = none; the number 0 stays as it is */
    int control, out, err;       /* ours; -1 = none */
};

static void close_one(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void close_all(struct descriptors *d)
{
    for (int k = 0; k < RF_FD_FIRST_FREE; k++)
        close_one(d->child[k]);
    close_one(d->control);
    close_one(d->out);
    close_one(d->err);
}

/* Above all numbers that the child gets, so that placing one cannot overwrite another. */
static int move_up(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 64);
}

/* Moves the child's end of a pair up; fd is closed in every case. False: errno says why. */
static bool place_end(struct descriptors *d, int number, int fd)
{
    d->child[number] = move_up(fd);
    int error = errno;
    close(fd);
    errno = error;
    return d->child[number] >= 0;
}

/* The functions below return NULL, or the name of the failed call; errno says why. */

static const char *open_control(struct descriptors *d)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return "socketpair";
    d->control = pair[0];
    return place_end(d, RF_FD_CONTROL, pair[1]) ? NULL : "fcntl(F_DUPFD_CLOEXEC)";
}

/* The file of the child's end stays blocking: what it prints waits for us. */
static const char *open_pipe(struct descriptors *d, int number, int *ours)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) != 0)
        return "pipe2";
    *ours = pair[0];
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    return place_end(d, number, pair[1]) ? NULL : "fcntl(F_DUPFD_CLOEXEC)";
}

/* Every number gets a file, even without a memfd, so that no other file takes the number. */
static const char *open_queue(struct descriptors *d, const struct rf_instance *i)
{
    int memory = i->shared.memfd >= 0 ? i->shared.memfd : i->q.ch.to_runtime;
    if ((d->child[RF_FD_MEMORY] = move_up(memory)) >= 0 &&
        (d->child[RF_FD_TO_RUNTIME] = move_up(i->q.ch.to_runtime)) >= 0 &&
        (d->child[RF_FD_TO_HOST] = move_up(i->q.ch.to_host)) >= 0)
        return NULL;
    return "fcntl(F_DUPFD_CLOEXEC)";
}

static const char *open_descriptors(struct descriptors *d, const struct rf_instance *i)
{
    const char *failed = open_control(d);
    if (!failed)
        failed = open_pipe(d, STDOUT_FILENO, &d->out);
    if (!failed)
        failed = open_pipe(d, STDERR_FILENO, &d->err);
    return failed ? failed : open_queue(d, i);
}

/* 0, or an errno. */
static int start_runner(struct rf_child *c, const struct descriptors *d, char **argv, char **env)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int rc = 0;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    /* A process group of its own: Ctrl-C on the host's terminal is the host's to handle. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    for (int k = 0; k < RF_FD_FIRST_FREE && rc == 0; k++)
        if (d->child[k] >= 0)
            rc = posix_spawn_file_actions_adddup2(&actions, d->child[k], k);
    if (rc == 0)
        rc = posix_spawn(&c->runner, argv[0], &actions, &attributes, argv, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* Our ends become the child's. */
static void keep_ends(struct rf_child *c, struct descriptors *d)
{
    c->control = d->control;
    c->output[0].fd = d->out;
    c->output[1].fd = d->err;
    d->control = d->out = d->err = -1;
}

/* The two variables that a child finds. */
struct variables {
    char queue[64], own[4200];
};

static void make_variables(struct variables *v, const struct rf_instance *i)
{
    snprintf(v->own, sizeof v->own, RF_ENV_LIB "=%s/libresty_ffi.so", rf_search_own_folder());
    int n = snprintf(v->queue, sizeof v->queue, RF_ENV_QUEUE "=%u", i->q.ch.at.max_queue);
    if (i->shared.segment >= 0)
        snprintf(v->queue + n, sizeof v->queue - (size_t)n, ":%d", i->shared.segment);
}

const char *rf_spawn(struct rf_child *c, char *error, size_t size)
{
    struct rf_instance *i = c->instance;
    struct descriptors d = {{-1, -1, -1, -1, -1, -1, -1}, -1, -1, -1};
    struct arguments arguments;
    struct variables variables;
    char runner[4096], lib[4096], started[3100];
    if (!find_runner(runner, sizeof runner)) {
        snprintf(error, size,
                 "the program resty-ffi-run is missing: searched ../bin, . and ../libexec from %s, the folder of "
                 "libresty_ffi.so; another place can be named in RESTY_FFI_RUNNER",
                 rf_search_own_folder());
        return error;
    }
    rf_search_find(i->lib, lib, sizeof lib);
    make_variables(&variables, i);
    make_arguments(&arguments, runner, i->options, lib);
    char **env = environment(i->options->env, variables.queue, variables.own);
    const char *failed = env ? open_descriptors(&d, i) : "malloc";
    int rc = !env ? ENOMEM : failed ? errno : 0;
    if (!failed && (rc = start_runner(c, &d, arguments.argv, env)) != 0) {
        snprintf(started, sizeof started, "the start of %.3000s", runner);
        failed = started;
    }
    if (!failed)
        keep_ends(c, &d);
    free(env);
    close_all(&d);
    return failed ? rf_failed(error, size, failed, rc) : NULL;
}
