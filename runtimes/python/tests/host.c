/*
 * A host for the tests: loads runtimes and makes calls as lines on standard input say, and writes what happens to
 * standard output. Fields are divided by tabs; payloads are hexadecimal, "-" is nil.
 *
 *     load RUNTIME LIB CONFIG      -> loaded RUNTIME (ok | error TEXT)
 *     call ID RUNTIME METHOD REQUEST TIMEOUT_MS  -> done ID STATUS ANSWER
 *     cancel ID                    -> done ID -2 -
 *     unload RUNTIME
 *     signals                      -> signals BLOCKED CAUGHT, of the process, as /proc has them
 *                                  -> log LEVEL TEXT, at any time
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../../native/host/pull/pull.h"

#define MOST 100000

static resty_ffi_pull *pull;
static resty_ffi_runtime *runtimes[16];
static resty_ffi_call *calls[MOST];
static long deadlines[MOST]; /* ms; 0 = none */
static long last;

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void put_hex(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        printf("%02x", (unsigned char)data[i]);
}

static size_t from_hex(char *text)
{
    size_t len = strlen(text) / 2;
    for (size_t i = 0; i < len; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0};
        text[i] = (char)strtol(pair, NULL, 16);
    }
    text[len] = 0;
    return len;
}

static void put_done(resty_ffi_call *call)
{
    deadlines[(intptr_t)call->user] = 0;
    printf("done\t%ld\t%d\t", (long)(intptr_t)call->user, call->status);
    if (call->nil)
        printf("-");
    else
        put_hex(call->data, call->len);
    printf("\n");
    resty_ffi_call_release(call);
}

static void load(int number, char *lib, char *config)
{
    char error[65536];
    int nil = strcmp(config, "-") == 0;
    size_t len = nil ? 0 : from_hex(config);
    resty_ffi_options options = {.size = sizeof options, .load_timeout_ms = 10000};
    resty_ffi_runtime *rt =
        resty_ffi_runtime_load(resty_ffi_pull_loop(pull), lib, nil ? NULL : config, len, &options, error, sizeof error);
    int up = rt ? resty_ffi_runtime_wait(rt, 10000, error, sizeof error) : -1;
    runtimes[number] = up == 1 ? rt : NULL;
    printf("loaded\t%d\t", number);
    if (up == 1)
        printf("ok");
    else
        put_hex(up ? error : "timeout", strlen(up ? error : "timeout"));
    printf("\n");
}

/* As a host does when nobody waits any more; the core says nothing of such a call. */
static void cancel(long id, int status)
{
    deadlines[id] = 0;
    resty_ffi_call_cancel(calls[id], status);
    printf("done\t%ld\t%d\t-\n", id, status);
}

/* Gives up the calls that are past their deadline; ms until the next one, -1 = none. */
static int watch_clock(void)
{
    long now = now_ms(), next = -1;
    for (long id = 1; id <= last; id++) {
        if (!deadlines[id])
            continue;
        if (deadlines[id] <= now)
            cancel(id, -1);
        else if (next < 0 || deadlines[id] - now < next)
            next = deadlines[id] - now;
    }
    return (int)next;
}

static void call(long id, int number, char *method, char *request, long timeout_ms)
{
    int nil = strcmp(request, "-") == 0, code = -8;
    size_t len = nil ? 0 : from_hex(request);
    resty_ffi_runtime *rt = runtimes[number];
    if (!calls[id])
        calls[id] = resty_ffi_call_new(resty_ffi_pull_loop(pull));
    calls[id]->user = (void *)(intptr_t)id;
    if (rt)
        code = resty_ffi_runtime_method(rt, method, strlen(method));
    if (code >= 0)
        code = resty_ffi_call_submit(rt, calls[id], (uint32_t)code, nil ? NULL : request, len, (uint64_t)timeout_ms);
    if (code < 0)
        printf("done\t%ld\t%d\t-\n", id, code);
    else if (timeout_ms)
        deadlines[id] = now_ms() + timeout_ms;
    last = id;
}

static void signals(void)
{
    char line[256], blocked[64] = "", caught[64] = "";
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        sscanf(line, "SigBlk: %63s", blocked);
        sscanf(line, "SigCgt: %63s", caught);
    }
    if (status)
        fclose(status);
    printf("signals\t%s\t%s\n", blocked, caught);
}

static void obey(char *line)
{
    char *field[6] = {0};
    int n = 0;
    while (n < 6 && (field[n] = strsep(&line, "\t")))
        n++;
    if (n == 4 && !strcmp(field[0], "load"))
        load(atoi(field[1]), field[2], field[3]);
    else if (n == 6)
        call(atol(field[1]), atoi(field[2]), field[3], field[4], atol(field[5]));
    else if (n == 2 && !strcmp(field[0], "cancel"))
        cancel(atol(field[1]), -2);
    else if (n == 2 && !strcmp(field[0], "unload"))
        resty_ffi_runtime_unload(runtimes[atoi(field[1])]);
    else if (n == 1)
        signals();
    else
        abort();
}

static void run(void)
{
    resty_ffi_call *call;
    const char *text;
    size_t len;
    int level;
    resty_ffi_pull_run(pull, 0);
    while ((call = resty_ffi_pull_done(pull)))
        put_done(call);
    while ((level = resty_ffi_pull_log(pull, &text, &len))) {
        printf("log\t%d\t", level);
        put_hex(text, len);
        printf("\n");
    }
}

int main(void)
{
    char *line = NULL;
    size_t size = 0, have = 0;
    pull = resty_ffi_pull_new();
    struct pollfd wait[2] = {{.fd = 0, .events = POLLIN}, {.fd = resty_ffi_pull_fd(pull), .events = POLLIN}};
    for (;;) {
        int ms = watch_clock();
        fflush(stdout);
        poll(wait, 2, ms);
        if (wait[0].revents) {
            if (size - have < 65536)
                line = realloc(line, size = 2 * size + 65537);
            ssize_t n = read(0, line + have, size - have - 1);
            if (n <= 0)
                break;
            have += (size_t)n;
            char *at = line, *end;
            while ((end = memchr(at, '\n', have - (size_t)(at - line)))) {
                *end = 0;
                obey(at);
                at = end + 1;
            }
            have -= (size_t)(at - line);
            memmove(line, at, have);
        }
        run();
    }
    resty_ffi_pull_close(pull, 3000);
    free(line);
    return 0;
}
