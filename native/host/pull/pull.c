#include "pull.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../../channel/export.h"
#include "../../channel/failed.h"
#include "../../transport/transports.h"
#include "dict.h"

#define MAX_LINES 10000
#define EVENTS 64
#define TICK_NS 50000000

struct watch {
    void (*ready)(void *arg);
    void *arg;
    int fd;
    bool dead;
    struct watch *next;
};

struct line {
    struct line *next;
    int level;
    size_t len;
    char text[]; /* runtime: text */
};

struct resty_ffi_pull {
    resty_ffi_loop *loop;
    struct rf_pull_dict *dict;
    int epoll;
    struct watch *watches; /* all, and those that are to be freed after a round */
    bool unwatched;
    resty_ffi_call **done; /* ring of done calls, grows */
    uint32_t done_size, done_head, done_count;
    struct line *lines, **lines_end, *current;
    int line_count;
    struct pull_stream *streams, **streams_end; /* streams with events, oldest first */
    int timer;                                  /* timerfd, runs while the loop wants ticks */
    bool ticking;
    char why[256]; /* why a descriptor could not be had or watched */
};

/* Behind call.user: made with the call, freed with it. */
struct pull_stream {
    resty_ffi_call *call;
    struct pull_stream *next;
    int events; /* not told yet; 0 = not in the list */
};

static const char *pull_watch(void *host, int fd, void (*ready)(void *arg), void *arg, void **handle)
{
    struct resty_ffi_pull *p = host;
    struct watch *w = calloc(1, sizeof *w);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = w};
    if (!w)
        return "no memory";
    *w = (struct watch){ready, arg, fd, false, p->watches};
    if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        free(w);
        return rf_failed(p->why, sizeof p->why, "epoll_ctl", errno);
    }
    p->watches = w;
    *handle = w;
    return NULL;
}

static void pull_unwatch(void *host, void *handle)
{
    struct resty_ffi_pull *p = host;
    struct watch *w = handle;
    epoll_ctl(p->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    p->unwatched = w->dead = true; /* an event of this round may still name it */
}

static void done(void *host, resty_ffi_call *call)
{
    struct resty_ffi_pull *p = host;
    if (p->done_count == p->done_size) {
        uint32_t size = p->done_size ? 2 * p->done_size : 256;
        resty_ffi_call **bigger = malloc(size * sizeof *bigger);
        if (!bigger)
            return; /* the call stays DONE: its state shows it */
        for (uint32_t k = 0; k < p->done_count; k++)
            bigger[k] = p->done[(p->done_head + k) % p->done_size];
        free(p->done);
        p->done = bigger;
        p->done_size = size;
        p->done_head = 0;
    }
    p->done[(p->done_head + p->done_count++) % p->done_size] = call;
}

static void stream(void *host, resty_ffi_call *call, int events)
{
    struct resty_ffi_pull *p = host;
    struct pull_stream *s = call->user;
    if (!s->events) {
        s->next = NULL;
        *p->streams_end = s;
        p->streams_end = &s->next;
    }
    s->events |= events;
}

API resty_ffi_call *resty_ffi_pull_stream(resty_ffi_pull *p, int *events)
{
    struct pull_stream *s = p->streams;
    if (!s)
        return NULL;
    p->streams = s->next;
    if (!s->next)
        p->streams_end = &p->streams;
    *events = s->events;
    s->events = 0;
    return s->call;
}

API resty_ffi_call *resty_ffi_pull_call_new(resty_ffi_pull *p)
{
    struct pull_stream *s = calloc(1, sizeof *s);
    resty_ffi_call *call = s ? resty_ffi_call_new(p->loop) : NULL;
    if (!call) {
        free(s);
        return NULL;
    }
    s->call = call;
    call->user = s;
    return call;
}

API void resty_ffi_pull_call_free(resty_ffi_call *call)
{
    if (!call)
        return;
    struct resty_ffi_pull *p = resty_ffi_call_host(call);
    struct pull_stream *s = call->user, **at = &p->streams;
    while (s->events && *at != s)
        at = &(*at)->next;
    if (s->events) {
        *at = s->next;
        if (!*at)
            p->streams_end = at;
    }
    free(s);
    resty_ffi_call_free(call);
}

static void set_timer(struct resty_ffi_pull *p, bool on)
{
    struct itimerspec t = {.it_value = {0, on ? TICK_NS : 0}, .it_interval = {0, on ? TICK_NS : 0}};
    timerfd_settime(p->timer, 0, &t, NULL);
    p->ticking = on;
}

static void tick(void *host)
{
    struct resty_ffi_pull *p = host;
    if (!p->ticking)
        set_timer(p, true);
}

static void on_timer(void *host)
{
    struct resty_ffi_pull *p = host;
    uint64_t times;
    (void)!read(p->timer, &times, sizeof times);
    if (!resty_ffi_loop_tick(p->loop))
        set_timer(p, false);
}

static void log_line(void *host, int level, const char *runtime, const char *text, size_t len)
{
    struct resty_ffi_pull *p = host;
    size_t name = strlen(runtime);
    struct line *line = p->line_count < MAX_LINES ? malloc(sizeof *line + name + len + 3) : NULL;
    if (!line)
        return;
    line->next = NULL;
    line->level = level;
    line->len = name + 2 + len;
    memcpy(line->text, runtime, name);
    memcpy(line->text + name, ": ", 2);
    memcpy(line->text + name + 2, text, len);
    line->text[line->len] = 0;
    *p->lines_end = line;
    p->lines_end = &line->next;
    p->line_count++;
}

static void dict(void *host, const struct resty_ffi_dict_request *r, struct resty_ffi_dict_answer *a)
{
    rf_pull_dict_serve(((struct resty_ffi_pull *)host)->dict, r, a);
}

static void free_watches(struct resty_ffi_pull *p, bool all)
{
    for (struct watch **at = &p->watches; *at;) {
        struct watch *w = *at;
        if (!all && !w->dead) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        free(w);
    }
}

/* Opens what the host waits on. NULL, or an error text. */
static const char *open_all(struct resty_ffi_pull *p)
{
    void *handle;
    const struct resty_ffi_host host = {.watch = pull_watch,
                                        .unwatch = pull_unwatch,
                                        .done = done,
                                        .stream = stream,
                                        .log = log_line,
                                        .dict = dict,
                                        .tick = tick,
                                        .host = p,
                                        .transports = &rf_transports};
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (p->epoll < 0)
        return rf_failed(p->why, sizeof p->why, "epoll_create1", errno);
    p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (p->timer < 0)
        return rf_failed(p->why, sizeof p->why, "timerfd_create", errno);
    if (!(p->dict = rf_pull_dict_new()) || !(p->loop = resty_ffi_loop_new(&host)))
        return "no memory";
    return pull_watch(p, p->timer, on_timer, p, &handle);
}

API resty_ffi_pull *resty_ffi_pull_new(char *error, size_t size)
{
    struct resty_ffi_pull *p = calloc(1, sizeof *p);
    const char *why = "no memory";
    if (p) {
        p->lines_end = &p->lines;
        p->streams_end = &p->streams;
        p->epoll = p->timer = -1;
        why = open_all(p);
        if (!why)
            return p;
    }
    snprintf(error, size, "%s", why);
    if (!p)
        return NULL;
    if (p->epoll >= 0)
        close(p->epoll);
    if (p->timer >= 0)
        close(p->timer);
    free_watches(p, true);
    rf_pull_dict_free(p->dict);
    free(p->loop);
    free(p);
    return NULL;
}

API resty_ffi_loop *resty_ffi_pull_loop(resty_ffi_pull *p)
{
    return p->loop;
}
API int resty_ffi_pull_fd(resty_ffi_pull *p)
{
    return p->epoll;
}

API int resty_ffi_pull_run(resty_ffi_pull *p, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(p->epoll, events, EVENTS, p->done_count || p->streams ? 0 : timeout_ms);
    for (int k = 0; k < n; k++) {
        struct watch *w = events[k].data.ptr;
        if (!w->dead)
            w->ready(w->arg);
    }
    if (p->unwatched)
        free_watches(p, false);
    p->unwatched = false;
    return (int)p->done_count;
}

API int resty_ffi_pull_done_n(resty_ffi_pull *p, resty_ffi_call **out, int max)
{
    int n = 0;
    for (; n < max && p->done_count; n++, p->done_count--) {
        out[n] = p->done[p->done_head];
        p->done_head = (p->done_head + 1) % p->done_size;
    }
    return n;
}

API resty_ffi_call *resty_ffi_pull_done(resty_ffi_pull *p)
{
    resty_ffi_call *call;
    return resty_ffi_pull_done_n(p, &call, 1) ? call : NULL;
}

API int resty_ffi_pull_log(resty_ffi_pull *p, const char **text, size_t *len)
{
    free(p->current);
    p->current = p->lines;
    if (!p->current)
        return 0;
    p->lines = p->current->next;
    if (!p->lines)
        p->lines_end = &p->lines;
    p->line_count--;
    *text = p->current->text;
    *len = p->current->len;
    return p->current->level;
}

API void resty_ffi_pull_close(resty_ffi_pull *p, int timeout_ms)
{
    const char *text;
    size_t len;
    if (!p)
        return;
    resty_ffi_loop_close(p->loop, timeout_ms);
    while (resty_ffi_pull_log(p, &text, &len))
        ;
    free_watches(p, true);
    close(p->epoll);
    close(p->timer);
    rf_pull_dict_free(p->dict);
    free(p->done);
    free(p);
}
