/*
 * A library that ends the worker: who it was is said in the log, and nginx starts another one. It would not after the
 * exit code 2, which means to it that none can ever start.
 */
#include <dlfcn.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../core/imports.h"
#include "nginx.h"
#include "nginx_abi.h"

#define FATAL 2
#define ALERT 2 /* NGX_LOG_ALERT */

void exit(int code) __attribute__((noreturn));
void _Exit(int code) __attribute__((noreturn));
void quick_exit(int code) __attribute__((noreturn, weak));

static pid_t worker;

static int code_of(const char *function, int code, void *caller)
{
    if (syscall(SYS_getpid) != worker)
        return code; /* a child of the library's, which has not become another program */
    Dl_info object;
    const char *name = dladdr(caller, &object) && object.dli_fname ? object.dli_fname : "a library";
    const char *slash = strrchr(name, '/');
    name = slash ? slash + 1 : name;
    /* From this thread: there will be no other time. */
    if ((code & 255) == FATAL)
        ngx_log_error_core(ALERT, ngx_cycle->log, 0,
                           "[resty-ffi] %s ended this worker: %s(%d); the code becomes 1, since nginx starts no other "
                           "worker after 2",
                           name, function, code);
    else
        ngx_log_error_core(ALERT, ngx_cycle->log, 0, "[resty-ffi] %s ended this worker: %s(%d)", name, function, code);
    return (code & 255) == FATAL ? 1 : code;
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

void rf_nginx_own_exits(void)
{
    worker = getpid();
    rf_imports_replace(RF_RUNTIMES, "exit", (void (*)(void))runtime_exit);
    rf_imports_replace(RF_RUNTIMES, "_exit", (void (*)(void))runtime_exit_now);
    rf_imports_replace(RF_RUNTIMES, "_Exit", (void (*)(void))runtime_exit_now);
    if (quick_exit)
        rf_imports_replace(RF_RUNTIMES, "quick_exit", (void (*)(void))runtime_quick_exit);
}
