#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"
#include "supervisor.h"

extern char **environ;

static bool find_runner(char *out, size_t size)
{
    const char *given = getenv("RESTY_FFI_RUNNER");
    if (given)
        return snprintf(out, size, "%s", given), access(out, X_OK) == 0;
    static const char *const places[] = {"../bin", ".", "../libexec"};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        snprintf(out, size, "%s/%s/resty-ffi-run", rf_own_folder(), places[k]);
        if (access(out, X_OK) == 0)
            return true;
    }
    return false;
}

/* The environment plus two variables. The array is the caller's to free; the strings are not copied. */
static char **environment(char *queue, char *lib)
{
    size_t n = 0, kept = 0;
    while (environ && environ[n])
        n++;
    char **env = malloc((n + 3) * sizeof *env);
    if (!env)
        return NULL;
    for (size_t k = 0; k < n; k++)
        if (strncmp(environ[k], RF_ENV_QUEUE "=", sizeof RF_ENV_QUEUE) != 0 &&
            strncmp(environ[k], RF_ENV_LIB "=", sizeof RF_ENV_LIB) != 0)
            env[kept++] = environ[k];
    env[kept++] = queue;
    env[kept++] = lib;
    env[kept] = NULL;
    return env;
}

/* Above all numbers that the child gets, so that placing one cannot overwrite another. */
static int move_up(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 64);
}

const char *rf_spawn(struct rf_child *c, char *error, size_t size)
{
    struct rf_instance *i = c->instance;
    char runner[4096], lib[4096], own[4200], queue[64];
    if (!find_runner(runner, sizeof runner)) {
        snprintf(error, size, "the program resty-ffi-run is missing: it belongs beside libresty_ffi.so in %s/../bin",
                 rf_own_folder());
        return error;
    }
    rf_library_find(i->lib, lib, sizeof lib);
    snprintf(own, sizeof own, RF_ENV_LIB "=%s/libresty_ffi.so", rf_own_folder());
    snprintf(queue, sizeof queue, RF_ENV_QUEUE "=%u", i->q.ch.at.max_queue);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        snprintf(error, size, "no descriptors left for its control socket (see ulimit -n)");
        return error;
    }
    int fds[4] = {move_up(i->memfd), move_up(i->q.ch.to_runtime), move_up(i->q.ch.to_host), move_up(pair[1])};
    char **env = environment(queue, own);
    char *argv[] = {runner, lib, NULL};
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
    int rc = env && fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0 && fds[3] >= 0 ? 0 : EMFILE;
    for (int k = 0; k < 4 && rc == 0; k++)
        rc = posix_spawn_file_actions_adddup2(&actions, fds[k], RF_FD_MEMORY + k);
    if (rc == 0)
        rc = posix_spawn(&c->runner, runner, &actions, &attributes, argv, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(env);
    for (int k = 0; k < 4; k++)
        if (fds[k] >= 0)
            close(fds[k]);
    close(pair[1]);
    if (rc != 0) {
        close(pair[0]);
        snprintf(error, size, "%s could not be started: %s", runner, strerror(rc));
        return error;
    }
    c->control = pair[0];
    return NULL;
}
