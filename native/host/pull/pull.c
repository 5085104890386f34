#include "pull.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../../core/export.h"
#include "dict.h"

#define MAX_LINES 10000
#define EVENTS 64

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
    struct rf_dict *dict;
    int epoll;
    struct watch *watches; /* all, and those that are to be freed after a round */
    bool unwatched;
    resty_ffi_call **done; /* ring of done calls, grows */
    uint32_t done_size, done_head, done_count;
    struct line *lines, **lines_end, *current;
    int line_count;
};

static const char *watch(void *host, int fd, void (*ready)(void *arg), void *arg, void **handle)
{
    struct resty_ffi_pull *p = host;
    struct watch *w = calloc(1, sizeof *w);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = w};
    if (!w)
        return "no memory";
    *w = (struct watch){ready, arg, fd, false, p->watches};
    if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        free(w);
        return "the descriptor of the queue cannot be watched";
    }
    p->watches = w;
    *handle = w;
    return NULL;
}

static void unwatch(void *host, void *handle)
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
            return; /* the call stays DONE: whoever looks at its state sees it */
        for (uint32_t k = 0; k < p->done_count; k++)
            bigger[k] = p->done[(p->done_head + k) % p->done_size];
        free(p->done);
        p->done = bigger;
        p->done_size = size;
        p->done_head = 0;
    }
    p->done[(p->done_head + p->done_count++) % p->done_size] = call;
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

static void dict(void *host, resty_ffi_runtime *rt, const struct resty_ffi_dict_request *r,
                 struct resty_ffi_dict_answer *a)
{
    (void)rt;
    rf_dict_serve(((struct resty_ffi_pull *)host)->dict, r, a);
}

API resty_ffi_pull *resty_ffi_pull_new(void)
{
    struct resty_ffi_pull *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    struct resty_ffi_host host = {watch, unwatch, done, log_line, dict, p, false};
    p->lines_end = &p->lines;
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    p->dict = rf_dict_new();
    p->loop = resty_ffi_loop_new(&host);
    if (p->epoll >= 0 && p->dict && p->loop)
        return p;
    if (p->epoll >= 0)
        close(p->epoll);
    rf_dict_free(p->dict);
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

API int resty_ffi_pull_run(resty_ffi_pull *p, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(p->epoll, events, EVENTS, p->done_count ? 0 : timeout_ms);
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
    rf_dict_free(p->dict);
    free(p->done);
    free(p);
}
