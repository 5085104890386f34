/*
 * A host for the tests: loads runtimes and makes calls as lines on standard input say, and writes what happens to
 * standard output. Fields are divided by tabs; payloads are hexadecimal, "-" is nil.
 *
 *     load RUNTIME LIB CONFIG [OPTION=VALUE]...  -> loaded RUNTIME (ok | error TEXT)
 *     reload RUNTIME               -> reloaded RUNTIME (ok | error TEXT)
 *     call ID RUNTIME METHOD REQUEST TIMEOUT_MS  -> done ID STATUS ANSWER
 *     open ID RUNTIME METHOD REQUEST END TIMEOUT_MS  -> opened ID STATUS
 *     send ID MESSAGE END          -> sent ID STATUS, once there is a window for it
 *     read ID COUNT                -> message ID MESSAGE, up to COUNT of them as they come, or ended ID STATUS TEXT
 *     skip ID COUNT                -> the same, but of messages the length only: skipped ID LENGTH
 *     times RUNTIME METHOD REQUEST COUNT         -> times STATUS, of the first stream that does not end well, or 0
 *     cancel ID                    -> done ID -2 -
 *     unload RUNTIME
 *     stats RUNTIME                -> stats RUNTIME IN_FLIGHT BYTES_OUT QUEUED RELOADS
 *                                  -> log LEVEL TEXT, at any time
 *
 * Options: dicts=NAME,NAME  venv=FOLDER  watch=1  drain=MS  isolate=1
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

struct call {
    resty_ffi_call *call;
    long deadline; /* ms; 0 = none */
    long wanted;   /* messages that are to be read */
    int brief;     /* their length will do */
    char *message; /* waits for a window */
    size_t len;
    int sending, end;
};

static resty_ffi_pull *pull;
static resty_ffi_runtime *runtimes[16];
static struct call calls[MOST];
static long last;

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void put_hex(const char *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        putchar(digits[(unsigned char)data[i] >> 4]);
        putchar(digits[data[i] & 15]);
    }
}

static void put_payload(const resty_ffi_call *call)
{
    if (call->nil)
        printf("-");
    else
        put_hex(call->data, call->len);
    printf("\n");
}

static int from_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* NULL for nil. */
static char *from_hex(char *text, size_t *len)
{
    *len = 0;
    if (strcmp(text, "-") == 0)
        return NULL;
    *len = strlen(text) / 2;
    for (size_t i = 0; i < *len; i++)
        text[i] = (char)(from_digit(text[2 * i]) << 4 | from_digit(text[2 * i + 1]));
    text[*len] = 0;
    return text;
}

static long id_of(resty_ffi_call *call)
{
    for (long id = last; id > 0; id--)
        if (calls[id].call == call)
            return id;
    abort();
}

static void put_done(resty_ffi_call *call)
{
    long id = id_of(call);
    calls[id].deadline = 0;
    printf("done\t%ld\t%d\t", id, call->status);
    put_payload(call);
    resty_ffi_call_release(call);
}

/* ---- Runtimes ---- */

static void put_outcome(const char *what, int number, int up, const char *error)
{
    printf("%s\t%d\t", what, number);
    if (up == 1)
        printf("ok");
    else
        put_hex(up ? error : "timeout", strlen(up ? error : "timeout"));
    printf("\n");
}

static void set_option(resty_ffi_options *o, char *option, char *settings)
{
    char *value = strchr(option, '=');
    *value++ = 0;
    if (!strcmp(option, "dicts")) {
        o->dicts = value; /* the line is followed by a NUL of its own */
        for (char *at = value; *at; at++)
            if (*at == ',')
                *at = 0;
    } else if (!strcmp(option, "watch")) {
        o->watch = atoi(value);
    } else if (!strcmp(option, "isolate")) {
        o->isolate = atoi(value);
    } else if (!strcmp(option, "drain")) {
        o->drain_ms = (uint32_t)atol(value);
    } else {
        strcpy(settings, option);
        strcpy(settings + strlen(option) + 1, value);
        o->settings = settings;
    }
}

static void load(int number, char *lib, char *config, char **option)
{
    char error[65536], settings[4096] = "";
    size_t len;
    config = from_hex(config, &len);
    resty_ffi_options options = {.size = sizeof options, .load_timeout_ms = 10000};
    for (; *option; option++)
        set_option(&options, *option, settings);
    resty_ffi_runtime *rt =
        resty_ffi_runtime_load(resty_ffi_pull_loop(pull), lib, config, len, &options, error, sizeof error);
    int up = rt ? resty_ffi_runtime_wait(rt, 10000, error, sizeof error) : -1;
    runtimes[number] = up == 1 ? rt : NULL;
    put_outcome("loaded", number, up, error);
}

static void reload(int number)
{
    char error[65536] = "";
    int rc = resty_ffi_runtime_reload(runtimes[number]);
    int up = rc ? -1 : resty_ffi_runtime_reload_wait(runtimes[number], 10000, error, sizeof error);
    put_outcome("reloaded", number, up, error);
}

static void stats(int number)
{
    resty_ffi_stats s;
    resty_ffi_runtime_stats(runtimes[number], &s);
    printf("stats\t%d\t%u\t%lu\t%u\t%lu\n", number, s.in_flight, s.bytes_out, s.queued, s.reloads);
}

/* ---- Calls ---- */

static struct call *new_call(long id, long timeout_ms)
{
    struct call *c = &calls[last = id];
    if (!c->call)
        c->call = resty_ffi_pull_call_new(pull);
    c->deadline = timeout_ms ? now_ms() + timeout_ms : 0;
    return c;
}

static int method_of(int number, const char *method)
{
    return runtimes[number] ? resty_ffi_runtime_method(runtimes[number], method, strlen(method)) : -8;
}

static void call(long id, int number, char *method, char *request, long timeout_ms)
{
    size_t len;
    request = from_hex(request, &len);
    struct call *c = new_call(id, timeout_ms);
    int code = method_of(number, method);
    if (code >= 0)
        code = resty_ffi_call_submit(runtimes[number], c->call, (uint32_t)code, request, len, (uint64_t)timeout_ms);
    if (code < 0) {
        c->deadline = 0;
        printf("done\t%ld\t%d\t-\n", id, code);
    }
}

/* As a host does when nobody waits any more; the core says nothing of such a call. */
static void cancel(long id, int status)
{
    calls[id].deadline = calls[id].sending = 0;
    resty_ffi_call_cancel(calls[id].call, status);
    printf("done\t%ld\t%d\t-\n", id, status);
}

/* Gives up the calls that are past their deadline; ms until the next one, -1 = none. */
static int watch_clock(void)
{
    long now = now_ms(), next = -1;
    for (long id = 1; id <= last; id++) {
        if (!calls[id].deadline)
            continue;
        if (calls[id].deadline <= now)
            cancel(id, -1);
        else if (next < 0 || calls[id].deadline - now < next)
            next = calls[id].deadline - now;
    }
    return (int)next;
}

/* ---- Streams ---- */

static void open_stream(long id, int number, char *method, char *request, int end, long timeout_ms)
{
    size_t len;
    request = from_hex(request, &len);
    struct call *c = new_call(id, timeout_ms);
    int code = method_of(number, method);
    if (code >= 0)
        code =
            resty_ffi_stream_open(runtimes[number], c->call, (uint32_t)code, request, len, end, (uint64_t)timeout_ms);
    if (code < 0)
        c->deadline = 0;
    printf("opened\t%ld\t%d\n", id, code);
}

static void try_send(long id)
{
    struct call *c = &calls[id];
    if (!c->sending)
        return;
    int rc = resty_ffi_stream_send(c->call, c->message, c->len, c->end);
    if (rc == RESTY_FFI_AGAIN)
        return;
    c->sending = 0;
    free(c->message);
    c->message = NULL;
    printf("sent\t%ld\t%d\n", id, rc);
}

static void send_message(long id, char *message, int end)
{
    struct call *c = &calls[id];
    message = from_hex(message, &c->len);
    c->message = message ? memcpy(malloc(c->len + 1), message, c->len) : NULL;
    c->end = end;
    c->sending = 1;
    try_send(id);
}

static void try_read(long id)
{
    struct call *c = &calls[id];
    int next;
    while (c->wanted > 0 && (next = resty_ffi_stream_next(c->call)) != RESTY_FFI_NOTHING) {
        if (next == RESTY_FFI_MESSAGE) {
            c->wanted--;
            if (c->brief)
                printf("skipped\t%ld\t%lu\n", id, c->call->len);
            else
                printf("message\t%ld\t", id), put_payload(c->call);
            continue;
        }
        c->wanted = c->deadline = 0;
        printf("ended\t%ld\t%d\t", id, c->call->status);
        put_payload(c->call);
    }
}

static void read_messages(long id, long count, int brief)
{
    calls[id].wanted = count;
    calls[id].brief = brief;
    try_read(id);
}

/* Streams in sequence, each read to its end. */
static void times(int number, char *method, char *request, long count)
{
    size_t len;
    int status = 0, events, code = method_of(number, method);
    request = from_hex(request, &len);
    resty_ffi_call *call = resty_ffi_pull_call_new(pull);
    for (long i = 0; i < count && !status; i++) {
        int next;
        status = resty_ffi_stream_open(runtimes[number], call, (uint32_t)code, request, len, true, 0);
        while (!status && (next = resty_ffi_stream_next(call)) != RESTY_FFI_ENDED)
            if (next == RESTY_FFI_NOTHING && !resty_ffi_pull_stream(pull, &events))
                resty_ffi_pull_run(pull, -1);
        status = status ? status : call->status;
        resty_ffi_call_release(call);
    }
    resty_ffi_pull_call_free(call);
    printf("times\t%d\n", status);
}

static void obey(char *line)
{
    char *field[12] = {0};
    int n = 0;
    while (n < 11 && (field[n] = strsep(&line, "\t")))
        n++;
    const char *what = field[0];
    if (!strcmp(what, "load"))
        load(atoi(field[1]), field[2], field[3], &field[4]);
    else if (!strcmp(what, "reload"))
        reload(atoi(field[1]));
    else if (!strcmp(what, "call"))
        call(atol(field[1]), atoi(field[2]), field[3], field[4], atol(field[5]));
    else if (!strcmp(what, "open"))
        open_stream(atol(field[1]), atoi(field[2]), field[3], field[4], atoi(field[5]), atol(field[6]));
    else if (!strcmp(what, "send"))
        send_message(atol(field[1]), field[2], atoi(field[3]));
    else if (!strcmp(what, "read") || !strcmp(what, "skip"))
        read_messages(atol(field[1]), atol(field[2]), *what == 's');
    else if (!strcmp(what, "times"))
        times(atoi(field[1]), field[2], field[3], atol(field[4]));
    else if (!strcmp(what, "cancel"))
        cancel(atol(field[1]), -2);
    else if (!strcmp(what, "unload"))
        resty_ffi_runtime_unload(runtimes[atoi(field[1])]);
    else if (!strcmp(what, "stats"))
        stats(atoi(field[1]));
    else
        abort();
}

static void run(void)
{
    resty_ffi_call *call;
    const char *text;
    size_t len;
    int level, events;
    resty_ffi_pull_run(pull, 0);
    while ((call = resty_ffi_pull_done(pull)))
        put_done(call);
    while ((call = resty_ffi_pull_stream(pull, &events))) {
        long id = id_of(call);
        try_send(id);
        try_read(id);
    }
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
    pull = resty_ffi_pull_new(NULL, 0);
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
    resty_ffi_pull_close(pull, 8000);
    free(line);
    return 0;
}
