/*
 * A host that is told by lines what to do, and says by lines what happened: for tests of whole runtimes.
 *
 *     host [--isolate] [--watch] [--drain MS] [--set NAME=VALUE]... LIB CFG
 *
 * K is the number of a stream, 0 to 99; a text of "-" stands for no text.
 *
 *     call METHOD [TEXT]           "ok TEXT", "nil", or "CODE TEXT"
 *     open K METHOD TEXT [MS]      "ok" or a code; MS: the stream's deadline
 *     openend K METHOD TEXT        the same with the client's direction closed
 *     send K TEXT                  "ok", "again" or a code
 *     end K TEXT                   the same, closing the direction
 *     stuff K LEN                  sends messages of that length until told "again": how many
 *     next K                       "message TEXT" or "end CODE TEXT"; waits for it
 *     peek K MS                    the same, or "nothing" for that time
 *     drain K MS                   reads to the end, pausing after each: "N messages of B bytes, end CODE TEXT"
 *     cancel K                     "ok"
 *     reload                       "ok" or the reason
 *     load CFG NAME=VALUE          loads once more, with this setting; from now on that is what is called
 *     log TEXT                     waits for a line of the log with this text: "ok", or "nothing" after 5 s
 *     rest MS                      "ok", later
 *     rss                          resident memory in KB
 *     locale                       the process's locale
 *     unload                       "ok"; streams go on for the time of --drain
 *
 * Lines of the log go to standard error, and are kept for "log".
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pull.h"
#include "resty_ffi.h"

#define STREAMS 100
#define PATIENCE_MS 20000

static resty_ffi_pull *pull;
static resty_ffi_runtime *rt;
static const char *lib;
static resty_ffi_options options = {.size = sizeof options, .restart = 1, .dicts = "cache\0other\0"};
static resty_ffi_call *streams[STREAMS];
static char *log_text;
static size_t log_len;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void run(int ms)
{
    const char *text;
    size_t len;
    int events;
    resty_ffi_pull_run(pull, ms);
    while (resty_ffi_pull_done(pull) || resty_ffi_pull_stream(pull, &events))
        ;
    for (int level; (level = resty_ffi_pull_log(pull, &text, &len));) {
        fprintf(stderr, "%d %.*s\n", level, (int)len, text);
        log_text = realloc(log_text, log_len + len + 2);
        memcpy(log_text + log_len, text, len);
        log_len += len;
        log_text[log_len++] = '\n';
        log_text[log_len] = 0;
    }
}

static void rest(uint64_t ms)
{
    for (uint64_t end = now() + ms, at; (at = now()) < end;)
        run((int)(end - at));
}

static uint32_t method(const char *name)
{
    return (uint32_t)resty_ffi_runtime_method(rt, name, strlen(name));
}

static const char *given(const char *text)
{
    return text && strcmp(text, "-") != 0 ? text : NULL;
}

static size_t length(const char *text)
{
    return text ? strlen(text) : 0;
}

static void say(const resty_ffi_call *call)
{
    if (call->status != 0)
        printf("%d %.*s\n", call->status, (int)call->len, call->data);
    else if (call->nil)
        printf("nil\n");
    else
        printf("ok %.*s\n", (int)call->len, call->data);
}

static void say_code(int rc)
{
    if (rc == 0)
        printf("ok\n");
    else if (rc == RESTY_FFI_AGAIN)
        printf("again\n");
    else
        printf("%d\n", rc);
}

static void do_call(const char *name, const char *text)
{
    resty_ffi_call *call = resty_ffi_pull_call_new(pull);
    int rc = resty_ffi_call_submit(rt, call, method(name), given(text), length(given(text)), 0);
    uint64_t end = now() + PATIENCE_MS;
    while (rc == 0 && call->state != RESTY_FFI_DONE && now() < end)
        run(50);
    if (rc != 0)
        printf("%d %s\n", rc, resty_ffi_runtime_explain(rt, rc));
    else if (call->state != RESTY_FFI_DONE)
        printf("no answer\n");
    else
        say(call);
    resty_ffi_pull_call_free(call);
}

static void do_open(int k, const char *name, const char *text, uint64_t ms, bool end)
{
    if (!streams[k])
        streams[k] = resty_ffi_pull_call_new(pull);
    resty_ffi_call_cancel(streams[k], RESTY_FFI_CANCELLED);
    say_code(resty_ffi_stream_open(rt, streams[k], method(name), given(text), length(given(text)), end, ms));
}

static void do_stuff(int k, size_t len)
{
    char *bytes = calloc(1, len + 1);
    int n = 0;
    while (resty_ffi_stream_send(streams[k], bytes, len, false) == 0)
        n++;
    printf("%d\n", n);
    free(bytes);
}

/* What comes next, within a time. */
static int next(int k, uint64_t ms)
{
    uint64_t end = now() + ms;
    int what;
    while ((what = resty_ffi_stream_next(streams[k])) == RESTY_FFI_NOTHING && now() < end)
        run(20);
    return what;
}

static void do_next(int k, uint64_t ms)
{
    const resty_ffi_call *s = streams[k];
    switch (next(k, ms)) {
    case RESTY_FFI_MESSAGE:
        printf("message %.*s\n", (int)s->len, s->data);
        break;
    case RESTY_FFI_ENDED:
        printf("end %d %.*s\n", s->status, (int)s->len, s->data);
        break;
    default:
        printf("nothing\n");
    }
}

static void do_drain(int k, uint64_t pause)
{
    const resty_ffi_call *s = streams[k];
    uint64_t messages = 0, bytes = 0;
    int what;
    while ((what = next(k, PATIENCE_MS)) == RESTY_FFI_MESSAGE) {
        messages++;
        bytes += s->len;
        if (pause)
            rest(pause);
    }
    printf("%llu messages of %llu bytes, ", (unsigned long long)messages, (unsigned long long)bytes);
    if (what == RESTY_FFI_ENDED)
        printf("end %d %.*s\n", s->status, (int)s->len, s->data);
    else
        printf("nothing\n");
}

static void do_reload(void)
{
    char error[4096];
    int rc = resty_ffi_runtime_reload(rt);
    if (rc == 0 && resty_ffi_runtime_reload_wait(rt, PATIENCE_MS, error, sizeof error) == 1)
        printf("ok\n");
    else
        printf("%d %s\n", rc, error);
    run(0);
}

static resty_ffi_runtime *load(const char *cfg, char *error, size_t size)
{
    resty_ffi_runtime *loaded =
        resty_ffi_runtime_load(resty_ffi_pull_loop(pull), lib, cfg, strlen(cfg), &options, error, size);
    return loaded && resty_ffi_runtime_wait(loaded, -1, error, size) == 1 ? loaded : NULL;
}

static void add_setting(char *settings, size_t *len, const char *text)
{
    const char *value = strchr(text, '=') + 1;
    memcpy(settings + *len, text, (size_t)(value - text - 1));
    *len += (size_t)(value - text);
    memcpy(settings + *len, value, strlen(value));
    *len += strlen(value) + 1;
}

static void do_load(const char *cfg, const char *setting)
{
    char error[4096], settings[4096] = "";
    size_t len = 0;
    add_setting(settings, &len, setting);
    options.settings = settings;
    resty_ffi_runtime *loaded = load(cfg, error, sizeof error);
    options.settings = NULL;
    printf("%s\n", loaded ? "ok" : error);
    if (loaded)
        rt = loaded;
}

static void do_log(const char *text)
{
    uint64_t end = now() + 5000;
    run(0);
    while (!(log_text && strstr(log_text, text)) && now() < end)
        run(20);
    printf("%s\n", log_text && strstr(log_text, text) ? "ok" : "nothing");
}

static void do_rss(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmRSS:", 6) == 0)
            printf("%d\n", atoi(line + 6));
    if (f)
        fclose(f);
}

static char *word(char **at)
{
    return strsep(at, " ");
}

static int number(char **at)
{
    const char *text = word(at);
    return text ? atoi(text) % 1000000 : 0;
}

static void obey(char *line)
{
    char *at = line;
    const char *what = word(&at);
    if (strcmp(what, "call") == 0) {
        const char *name = word(&at);
        do_call(name, at);
    } else if (strcmp(what, "open") == 0 || strcmp(what, "openend") == 0) {
        int k = number(&at) % STREAMS;
        const char *name = word(&at), *text = word(&at);
        do_open(k, name, text, (uint64_t)number(&at), what[4] == 'e');
    } else if (strcmp(what, "send") == 0 || strcmp(what, "end") == 0) {
        int k = number(&at) % STREAMS;
        say_code(resty_ffi_stream_send(streams[k], given(at), length(given(at)), what[0] == 'e'));
    } else if (strcmp(what, "stuff") == 0) {
        int k = number(&at) % STREAMS;
        do_stuff(k, (size_t)number(&at));
    } else if (strcmp(what, "next") == 0) {
        do_next(number(&at) % STREAMS, PATIENCE_MS);
    } else if (strcmp(what, "peek") == 0) {
        int k = number(&at) % STREAMS;
        do_next(k, (uint64_t)number(&at));
    } else if (strcmp(what, "drain") == 0) {
        int k = number(&at) % STREAMS;
        do_drain(k, (uint64_t)number(&at));
    } else if (strcmp(what, "cancel") == 0) {
        resty_ffi_call_cancel(streams[number(&at) % STREAMS], RESTY_FFI_CANCELLED);
        say_code(0);
    } else if (strcmp(what, "load") == 0) {
        const char *cfg = word(&at);
        do_load(cfg, at);
    } else if (strcmp(what, "reload") == 0) {
        do_reload();
    } else if (strcmp(what, "log") == 0) {
        do_log(at);
    } else if (strcmp(what, "rest") == 0) {
        rest((uint64_t)number(&at));
        say_code(0);
    } else if (strcmp(what, "unload") == 0) {
        resty_ffi_runtime_unload(rt);
        say_code(0);
    } else if (strcmp(what, "rss") == 0) {
        do_rss();
    } else if (strcmp(what, "locale") == 0) {
        printf("%s\n", setlocale(LC_ALL, NULL));
    } else {
        printf("what is \"%s\"?\n", what);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static char settings[4096];
    char error[4096], *line = NULL;
    size_t settings_len = 0, size = 0;
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--isolate") == 0)
            options.isolate = 1;
        else if (strcmp(argv[at], "--watch") == 0)
            options.watch = 1;
        else if (strcmp(argv[at], "--drain") == 0)
            options.drain_ms = (uint32_t)atoi(argv[++at]);
        else
            add_setting(settings, &settings_len, argv[++at]);
    }
    if (argc - at != 2) {
        fprintf(stderr, "usage: host [--isolate] [--watch] [--drain MS] [--set NAME=VALUE]... LIB CFG\n");
        return 2;
    }
    pull = resty_ffi_pull_new(NULL, 0);
    lib = argv[at];
    options.settings = settings;
    rt = load(argv[at + 1], error, sizeof error);
    if (!rt) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    while (getline(&line, &size, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        obey(line);
    }
    for (int k = 0; k < STREAMS; k++)
        resty_ffi_pull_call_free(streams[k]);
    resty_ffi_runtime_unload(rt);
    run(0);
    resty_ffi_pull_close(pull, 2000);
    free(line);
    free(log_text);
    return 0;
}
