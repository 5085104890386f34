/*
 * The smallest host: loads a runtime, calls it, says what came back.
 *
 *     harness [OPTIONS] call LIB CFG METHOD [REQUEST]     one call; the answer on standard output; exit 0 = ok, 1 = the
 *                                                         call failed (code and message on standard error), 2 = no
 * runtime harness [OPTIONS] script LIB CFG                    the same for lines "METHOD REQUEST" of standard input,
 * one answer line each: "ok TEXT", "nil" or "CODE MESSAGE" harness [OPTIONS] bench LIB CFG [IN_FLIGHT [BYTES
 * [SECONDS]]]
 *
 * CFG "-" = none. OPTIONS: --isolate  --workers N  --timeout MS  --load-timeout MS
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "resty_ffi.h"

static const char *const levels[] = {"", "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"};

void harness_logs(resty_ffi_pull *p)
{
    const char *text;
    size_t len;
    int level;
    while ((level = resty_ffi_pull_log(p, &text, &len)))
        fprintf(stderr, "[%s] %.*s\n", levels[level], (int)len, text);
}

static uint64_t milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Waits for the call; NULL request = nil. The answer is in *call until its release. */
static void do_call(resty_ffi_pull *p, resty_ffi_runtime *rt, resty_ffi_call *call, const char *method,
                    const char *request, int timeout_ms)
{
    int number = resty_ffi_runtime_method(rt, method, strlen(method));
    int rc = number < 0 ? number
                        : resty_ffi_call_submit(rt, call, (uint32_t)number, request, request ? strlen(request) : 0,
                                                (uint64_t)timeout_ms);
    uint64_t end = milliseconds() + (uint64_t)timeout_ms;
    while (rc == 0 && call->state != RESTY_FFI_DONE) {
        uint64_t now = milliseconds();
        if (timeout_ms && now >= end) {
            resty_ffi_call_cancel(call, rc = RESTY_FFI_TIMEOUT);
            break;
        }
        resty_ffi_pull_run(p, timeout_ms ? (int)(end - now) : -1);
        while (resty_ffi_pull_done(p))
            ;
        harness_logs(p);
    }
    if (rc != 0) {
        call->status = rc;
        call->data = resty_ffi_runtime_explain(rt, rc);
        call->len = strlen(call->data);
    }
}

static void script(resty_ffi_pull *p, resty_ffi_runtime *rt, resty_ffi_call *call, int timeout_ms)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        char *request = strchr(line, ' ');
        if (request)
            *request++ = 0;
        do_call(p, rt, call, line, request, timeout_ms);
        if (call->status != 0)
            printf("%d %.*s\n", call->status, (int)call->len, call->data);
        else if (call->nil)
            printf("nil\n");
        else
            printf("ok %.*s\n", (int)call->len, call->data);
        fflush(stdout);
        resty_ffi_call_release(call);
    }
    free(line);
}

int main(int argc, char **argv)
{
    resty_ffi_options o = {.size = sizeof o, .restart = 1, .dicts = "shared\0other\0"};
    int timeout_ms = 10000, at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--isolate") == 0)
            o.isolate = 1;
        else if (strcmp(argv[at], "--workers") == 0 && at + 1 < argc)
            o.workers = (uint32_t)atoi(argv[++at]);
        else if (strcmp(argv[at], "--timeout") == 0 && at + 1 < argc)
            timeout_ms = atoi(argv[++at]);
        else if (strcmp(argv[at], "--load-timeout") == 0 && at + 1 < argc)
            o.load_timeout_ms = (uint32_t)atoi(argv[++at]);
        else
            at = argc;
    }
    char **a = argv + at;
    int n = argc - at;
    if (n < 3 || (strcmp(a[0], "call") == 0 && n < 4)) {
        fprintf(stderr, "usage: harness [--isolate] [--workers N] [--timeout MS] call LIB CFG METHOD [REQUEST]\n"
                        "       harness [...] script LIB CFG\n"
                        "       harness [...] bench LIB CFG [IN_FLIGHT [BYTES [SECONDS]]]\n");
        return 2;
    }
    char error[2048];
    const char *cfg = strcmp(a[2], "-") == 0 ? NULL : a[2];
    resty_ffi_pull *p = resty_ffi_pull_new(error, sizeof error);
    if (!p) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    resty_ffi_loop *l = resty_ffi_pull_loop(p);
    resty_ffi_runtime *rt = resty_ffi_runtime_load(l, a[1], cfg, cfg ? strlen(cfg) : 0, &o, error, sizeof error);
    int up = rt ? resty_ffi_runtime_wait(rt, -1, error, sizeof error) : -1;
    harness_logs(p);
    if (up != 1) {
        fprintf(stderr, "%s\n", error);
        resty_ffi_pull_close(p, 2000);
        return 2;
    }
    int status = 0;
    if (strcmp(a[0], "bench") == 0) {
        status = harness_bench(p, rt, n > 3 ? atoi(a[3]) : 1, n > 4 ? atoi(a[4]) : 64, n > 5 ? atof(a[5]) : 1);
    } else {
        resty_ffi_call *call = resty_ffi_call_new(l);
        if (strcmp(a[0], "script") == 0) {
            script(p, rt, call, timeout_ms);
        } else {
            do_call(p, rt, call, a[3], n > 4 ? a[4] : NULL, timeout_ms);
            status = call->status != 0;
            if (status)
                fprintf(stderr, "%d %.*s\n", call->status, (int)call->len, call->data);
            else if (call->nil)
                fprintf(stderr, "nil\n");
            else
                fwrite(call->data, 1, call->len, stdout);
        }
        harness_logs(p);
        resty_ffi_call_free(call);
    }
    resty_ffi_runtime_unload(rt);
    resty_ffi_pull_run(p, 0);
    resty_ffi_pull_close(p, 2000);
    return status;
}
