/*
 * When a library ends the worker, the log names the library, and nginx starts another worker; it would not after the
 * exit code 2, which tells nginx that no worker can start. Also bounds the time of exit handlers.
 */
#include "exits.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../objects/imports.h"
#include "log.h"
#include "resty_ffi.h"

#define FATAL 2
#define LAST_MS 3000 /* for exit handlers; Python and Java keep theirs to 1 s */

void exit(int code) __attribute__((noreturn));
void _Exit(int code) __attribute__((noreturn));
void quick_exit(int code) __attribute__((noreturn, weak));

static pid_t worker;
static void *subsystem;

static int code_of(const char *function, int code, void *caller)
{
    static const char why[] = "; the code becomes 1, since nginx starts no other worker after 2";
    char text[128];
    Dl_info object;
    if (syscall(SYS_getpid) != worker)
        return code; /* a fork of the library that has not become another program */
    bool fatal = (code & 255) == FATAL;
    const char *name = dladdr(caller, &object) && object.dli_fname ? object.dli_fname : "a library";
    const char *slash = strrchr(name, '/');
    int len = snprintf(text, sizeof text, "it ended this worker: %s(%d)%s", function, code, fatal ? why : "");
    /* Logged from this thread: the process is about to end. */
    rf_nginx_log(subsystem, RESTY_FFI_LOG_ALERT, slash ? slash + 1 : name, text, (size_t)len);
    return fatal ? 1 : code;
}

#define CALLER __builtin_extract_return_addr(__builtin_return_address(0))

static void runtime_exit(int code)
{
    exit(code_of("exit", code, CALLER));
}

static void runtime_exit_now(int code)
{
    _exit(code_of("_exit", code, CALLER));
}

static void runtime_quick_exit(int code)
{
    quick_exit(code_of("quick_exit", code, CALLER));
}

void rf_nginx_exits_own(void *s)
{
    subsystem = s;
    worker = getpid();
    rf_imports_replace(RF_RUNTIMES, "exit", (void (*)(void))runtime_exit);
    rf_imports_replace(RF_RUNTIMES, "_exit", (void (*)(void))runtime_exit_now);
    rf_imports_replace(RF_RUNTIMES, "_Exit", (void (*)(void))runtime_exit_now);
    if (quick_exit)
        rf_imports_replace(RF_RUNTIMES, "quick_exit", (void (*)(void))runtime_quick_exit);
}

static void *end_without_them(void *none)
{
    static const char text[] = "an exit handler of a library has not come back within 3 s; the worker ends without it";
    poll(NULL, 0, LAST_MS);
    rf_nginx_log(subsystem, RESTY_FFI_LOG_ALERT, "exit", text, sizeof text - 1);
    _exit(0);
    return none;
}

void rf_nginx_exits_bound(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, end_without_them, NULL) == 0)
        pthread_detach(thread);
}
