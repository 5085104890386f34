/*
 * libffi_nodejs.so: asks the host to start Node.js with the loader program that lies next to this library. The
 * configuration, module,func,cfg, reaches that program through its queue, not by the command line.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resty_ffi.h"

#define EXPORT __attribute__((visibility("default")))

/* Where Node.js is when PATH does not say: nginx clears its workers' environment. A ~ stands for HOME. */
static const char *const places[] = {
    "/usr/local/bin/node",
    "/usr/bin/node",
    "/bin/node",
    "/opt/node*/bin/node",
    "/opt/*/bin/node",
    "/usr/local/node*/bin/node",
    "/usr/local/lib/nodejs/*/bin/node",
    "/snap/bin/node",
    "~/.volta/bin/node",
    "~/.nvm/versions/node/*/bin/node",
};

/*
 * Without it another thread frees the requests that the garbage collector has found: under load it falls behind, in an
 * arena of its own, and memory grows without end.
 */
#define SWEEP "--no-concurrent-array-buffer-sweeping"

/*
 * The size in MB of each half of V8's young generation. By default it grows to 16 under load without faster answers;
 * flat memory serves a worker better. A size in NODE_OPTIONS takes precedence.
 */
#define YOUNG "--max-semi-space-size=4"

/* The oldest version that the loader runs on. */
#define OLDEST 20

#define PLACES ((int)(sizeof places / sizeof *places))

/* How to name another program. */
#define WHERE "RESTY_FFI_NODE, or the option node of ngx.load_ffi, to the path of node"

__attribute__((format(printf, 3, 4))) static int refuse(char *out, int size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (size > 0)
        vsnprintf(out, (size_t)size, format, args);
    va_end(args);
    return -1;
}

/* The last place where this user was not let in: there may be the program that others see. */
static char denied[PATH_MAX];

static int is_program(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        errno = S_ISREG(st.st_mode) ? 0 : EISDIR;
        if (errno == 0 && access(path, X_OK) == 0)
            return 1;
    }
    if (errno == EACCES)
        snprintf(denied, sizeof denied, "%s", path);
    return 0;
}

static int on_path(char node[PATH_MAX])
{
    const char *dir = getenv("PATH");
    while (dir && *dir) {
        size_t len = strcspn(dir, ":");
        /* An empty entry would mean the working directory: no place to take a program from. */
        if (len && snprintf(node, PATH_MAX, "%.*s/node", (int)len, dir) < PATH_MAX && is_program(node))
            return 1;
        dir += len + (dir[len] == ':');
    }
    return 0;
}

static int in_places(char node[PATH_MAX])
{
    const char *home = getenv("HOME");
    for (int i = 0; i < PLACES; i++) {
        char pattern[PATH_MAX];
        glob_t found;
        int in_home = places[i][0] == '~';
        if (in_home && (!home || !*home))
            continue;
        if (snprintf(pattern, sizeof pattern, "%s%s", in_home ? home : "", places[i] + in_home) >= (int)sizeof pattern)
            continue;
        if (glob(pattern, 0, NULL, &found) != 0)
            continue;
        /* Names are sorted, so the last one is mostly the newest version. */
        for (size_t k = found.gl_pathc; k-- > 0;) {
            if (is_program(found.gl_pathv[k]) && snprintf(node, PATH_MAX, "%s", found.gl_pathv[k]) < PATH_MAX) {
                globfree(&found);
                return 1;
            }
        }
        globfree(&found);
    }
    return 0;
}

static int refuse_without_node(char *out, int size)
{
    const char *path = getenv("PATH");
    char text[1024] = "";
    size_t at = 0;
    for (int i = 0; i < PLACES && at < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? ", " : "", places[i]);
    return refuse(
        out, size,
        "Node.js was not found: RESTY_FFI_NODE is not set, PATH (%s) holds no program named node, and "
        "neither do %s%s%s%s; install Node.js 20 or newer, or set RESTY_FFI_NODE or the option node to its path (in "
        "nginx: \"env RESTY_FFI_NODE=/path/to/node;\")",
        path && *path ? path : "not set", text, *denied ? " (permission denied: " : "", denied, *denied ? ")" : "");
}

/* What a program answers to --version, without what NODE_OPTIONS would make it load. */
static void ask_version(char *node, char *answer, size_t size)
{
    extern char **environ;
    char *argv[] = {node, "--version", NULL}, **env;
    posix_spawn_file_actions_t actions;
    size_t n = 0, kept = 0, len = 0;
    ssize_t got;
    pid_t child;
    int out[2];

    *answer = 0;
    while (environ && environ[n])
        n++;
    if (!(env = calloc(n + 1, sizeof *env)))
        return;
    for (size_t k = 0; k < n; k++)
        if (strncmp(environ[k], "NODE_OPTIONS=", 13) != 0)
            env[kept++] = environ[k];
    if (pipe2(out, O_CLOEXEC) == 0) {
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        int rc = posix_spawn(&child, node, &actions, NULL, argv, env);
        posix_spawn_file_actions_destroy(&actions);
        close(out[1]);
        while (len < size - 1 && (got = read(out[0], answer + len, size - 1 - len)) > 0)
            len += (size_t)got;
        answer[len] = 0;
        close(out[0]);
        if (rc == 0)
            waitpid(child, NULL, 0);
    }
    free(env);
}

/* source: how a message calls the place that named this program. */
static int check_version(char *node, const char *source, char *out, int size)
{
    char answer[64];
    int major;
    ask_version(node, answer, sizeof answer);
    answer[strcspn(answer, "\r\n")] = 0;
    if (sscanf(answer, "v%d.", &major) != 1)
        return refuse(out, size, "%s is \"%s\", which does not answer --version as Node.js does; set " WHERE, source,
                      node);
    if (major < OLDEST)
        return refuse(out, size, "%s is \"%s\", which is Node.js %s; %d or newer is needed: set " WHERE, source, node,
                      answer, OLDEST);
    return 0;
}

/* The loader program lies in this library's directory, whatever link the host loaded it by. */
static int find_loader(char loader[PATH_MAX], char *out, int size)
{
    Dl_info info;
    char self[PATH_MAX];
    if (!dladdr((void *)libffi_argv, &info) || !info.dli_fname || !realpath(info.dli_fname, self))
        return refuse(out, size, "libffi_nodejs.so cannot find out where it lies; load it by its absolute path");
    *strrchr(self, '/') = 0;
    if (snprintf(loader, PATH_MAX, "%s/loader.mjs", self) >= PATH_MAX || access(loader, R_OK) != 0)
        return refuse(out, size,
                      "libffi_nodejs.so needs loader.mjs in its own directory, %s, but it cannot be read there; keep "
                      "the library inside the package @resty-ffi/node (a link to it will do)",
                      self);
    return 0;
}

/* One more argument from `at` on: where the next one goes, or -1. */
static int append(char *out, int size, int at, const char *argument)
{
    size_t len = strlen(argument) + 1;
    if (at < 0 || size < at || len > (size_t)(size - at))
        return -1;
    memcpy(out + at, argument, len);
    return at + (int)len;
}

EXPORT int libffi_argv(const char *cfg, char *out, int size)
{
    char node[PATH_MAX], loader[PATH_MAX];
    const char *given = getenv("RESTY_FFI_NODE");
    (void)cfg;

    if (given && *given) {
        if (snprintf(node, sizeof node, "%s", given) >= (int)sizeof node || !is_program(node))
            return refuse(out, size, "RESTY_FFI_NODE is \"%s\", which is not a program (%s); set " WHERE, given,
                          strerror(errno));
        if (check_version(node, "RESTY_FFI_NODE", out, size) < 0)
            return -1;
    } else if (!on_path(node) && !in_places(node)) {
        return refuse_without_node(out, size);
    } else if (check_version(node, "the Node.js that was found", out, size) < 0) {
        return -1;
    }
    if (find_loader(loader, out, size) < 0)
        return -1;

    const char *options = getenv("NODE_OPTIONS");
    int at = append(out, size, append(out, size, 0, node), SWEEP);
    if (!options || !strstr(options, "semi-space"))
        at = append(out, size, at, YOUNG);
    at = append(out, size, at, loader);
    if (at < 0)
        return refuse(out, size, "the paths of Node.js and of loader.mjs are too long for the host's command line");
    return at;
}
