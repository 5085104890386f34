#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

const resty_ffi_options host_thread = {.size = sizeof(resty_ffi_options), .restart = 1, .dicts = "cache\0other\0"};
const resty_ffi_options host_process = {
    .size = sizeof(resty_ffi_options), .restart = 1, .isolate = 1, .dicts = "cache\0other\0"};

/* A loop outlives its host by design; this keeps what hangs on it from being taken for a leak. */
static resty_ffi_loop *loops[64];
static _Atomic int loop_count;

void host_open(struct host *h)
{
#ifdef __SANITIZE_THREAD__
    /* For the child processes: what synchronises two threads there may go through this process, which
       ThreadSanitizer cannot see. Threads of this process are watched all the same. */
    setenv("TSAN_OPTIONS", "report_bugs=0", 1);
#endif
    memset(h, 0, sizeof *h);
    h->pull = resty_ffi_pull_new(h->error, sizeof h->error);
    if (!h->pull)
        check_failed("resty_ffi_pull_new", 0, "%s", h->error);
    h->loop = resty_ffi_pull_loop(h->pull);
    loops[loop_count++ % 64] = h->loop;
}

static void gather(struct host *h)
{
    const char *text;
    size_t len;
    for (int level; (level = resty_ffi_pull_log(h->pull, &text, &len));) {
        if (h->log_len + len + 4 > h->log_size) {
            h->log_size = 2 * (h->log_len + len + 4);
            h->log = realloc(h->log, h->log_size);
            CHECK(h->log);
        }
        h->log[h->log_len++] = (char)('0' + level);
        h->log[h->log_len++] = ' ';
        memcpy(h->log + h->log_len, text, len);
        h->log_len += len;
        h->log[h->log_len++] = '\n';
        h->log[h->log_len] = 0;
    }
}

void host_close_within(struct host *h, int timeout_ms)
{
    resty_ffi_pull_close(h->pull, timeout_ms);
    while (h->held_count)
        resty_ffi_runtime_release(h->held[--h->held_count]);
    free(h->held);
    free(h->log);
}

void host_close(struct host *h)
{
    host_close_within(h, 2000);
}

static void hold(struct host *h, resty_ffi_runtime *rt)
{
    h->held = realloc(h->held, (size_t)(h->held_count + 1) * sizeof(void *));
    CHECK(h->held);
    h->held[h->held_count++] = rt;
}

void host_release(struct host *h, resty_ffi_runtime *rt)
{
    int k = h->held_count - 1;
    while (k >= 0 && h->held[k] != rt)
        k--;
    CHECK(k >= 0);
    h->held[k] = h->held[--h->held_count];
    resty_ffi_runtime_release(rt);
}

void host_unload(struct host *h, resty_ffi_runtime *rt)
{
    resty_ffi_runtime_unload(rt);
    host_release(h, rt);
}

resty_ffi_runtime *host_try(struct host *h, const char *lib, const char *cfg, const resty_ffi_options *o)
{
    h->error[0] = 0;
    resty_ffi_runtime *rt =
        resty_ffi_runtime_load(h->loop, lib, cfg, cfg ? strlen(cfg) : 0, o, h->error, sizeof h->error);
    if (rt && resty_ffi_runtime_wait(rt, -1, h->error, sizeof h->error) != 1) {
        resty_ffi_runtime_release(rt);
        rt = NULL;
    }
    if (rt)
        hold(h, rt);
    gather(h);
    return rt;
}

resty_ffi_runtime *host_load(struct host *h, const char *lib, const char *cfg, const resty_ffi_options *o)
{
    resty_ffi_runtime *rt = host_try(h, lib, cfg, o);
    if (!rt)
        check_failed("load", 0, "%s", h->error);
    return rt;
}

void host_run(struct host *h, int timeout_ms)
{
    resty_ffi_call *done[64];
    resty_ffi_pull_run(h->pull, timeout_ms);
    while (resty_ffi_pull_done_n(h->pull, done, 64) > 0)
        ;
    gather(h);
}

void host_rest(struct host *h, int ms)
{
    for (uint64_t end = check_now() + (uint64_t)ms, now; (now = check_now()) < end;)
        host_run(h, (int)(end - now));
}

bool host_logged(struct host *h, const char *text)
{
    host_run(h, 0);
    return h->log && strstr(h->log, text);
}

int host_submit(resty_ffi_runtime *rt, resty_ffi_call *call, const char *method, const char *text)
{
    int number = resty_ffi_runtime_method(rt, method, strlen(method));
    CHECK(number >= 0);
    return resty_ffi_call_submit(rt, call, (uint32_t)number, text, text ? strlen(text) : 0, 0);
}

void host_wait(struct host *h, resty_ffi_call *call, int timeout_ms)
{
    uint64_t end = check_now() + (uint64_t)timeout_ms;
    while (call->state != RESTY_FFI_DONE) {
        if (check_now() > end)
            check_failed("host_wait", 0, "no answer within %d ms; log:\n%s", timeout_ms, h->log ? h->log : "");
        host_run(h, 20);
    }
}

int host_call(struct host *h, resty_ffi_runtime *rt, resty_ffi_call *call, const char *method, const char *text)
{
    int rc = host_submit(rt, call, method, text);
    if (rc != 0)
        return rc;
    host_wait(h, call, 20000);
    return call->status;
}

const char *host_answer(const resty_ffi_call *call)
{
    static _Thread_local char text[65536];
    size_t len = call->len < sizeof text - 1 ? call->len : sizeof text - 1;
    if (len)
        memcpy(text, call->data, len);
    text[len] = 0;
    return text;
}

void host_expect(struct host *h, resty_ffi_runtime *rt, const char *method, const char *text, const char *answer)
{
    resty_ffi_call *call = resty_ffi_call_new(h->loop);
    int rc = host_call(h, rt, call, method, text);
    if (rc != 0 || call->nil || strcmp(host_answer(call), answer) != 0)
        check_failed(method, 0, "answered %d \"%s\", not \"%s\"", rc,
                     call->state == RESTY_FFI_DONE ? host_answer(call) : resty_ffi_runtime_explain(rt, rc), answer);
    resty_ffi_call_free(call);
}

void host_library(const char *name, char *out, size_t size)
{
    char own[4096];
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    CHECK(n > 0);
    own[n] = 0;
    *strrchr(own, '/') = 0;
    snprintf(out, size, "%s/../../lib/lib%s.so", own, name);
}

/* Beside it first: what has the old file open keeps it. */
void host_copy(const char *from, const char *to)
{
    char chunk[65536], beside[4200];
    size_t n;
    snprintf(beside, sizeof beside, "%s.new", to);
    FILE *in = fopen(from, "rb"), *out = fopen(beside, "wb");
    CHECK(in && out);
    while ((n = fread(chunk, 1, sizeof chunk, in)) > 0)
        CHECK(fwrite(chunk, 1, n, out) == n);
    fclose(in);
    CHECK(fclose(out) == 0);
    CHECK(rename(beside, to) == 0);
}
