/* Descriptors in nginx's epoll. */
#include "event.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"
#include "nginx_abi.h"

/* An fd in nginx's epoll. Kept for reuse, never freed: nginx may hold an event of this round that names it. */
struct watch {
    _Alignas(16) char connection[1056]; /* nginx's structs take at most a third of these */
    _Alignas(16) char read[544], write[544];
    void (*ready)(void *arg);
    void *arg;
    int fd;             /* -1 while unused */
    struct watch *next; /* while unused */
};

static struct rf_nginx_layout at;
static struct watch *unused;

static void put_word(void *s, size_t place, uintptr_t value)
{
    memcpy((char *)s + place, &value, sizeof value);
}

static uint32_t bits(const void *ev)
{
    uint32_t value;
    memcpy(&value, (const char *)ev + at.bits, sizeof value);
    return value;
}

static void on_event(void *ev)
{
    void *connection;
    struct watch *w;
    memcpy(&connection, ev, sizeof connection);
    memcpy(&w, connection, sizeof w);
    if (w->fd >= 0)
        w->ready(w->arg);
}

/*
 * With accept_mutex nginx queues events before it handles them. A queued event has the bit "posted" and must not be
 * changed. The place of that bit differs between versions, but an event outside the queue has no bit besides "ready".
 */
static bool resting(const struct watch *w)
{
    return (bits(w->read) & ~at.ready) == 0;
}

static struct watch *new_watch(void)
{
    struct watch **p = &unused, *w;
    while (*p && !resting(*p))
        p = &(*p)->next;
    w = *p;
    if (w)
        *p = w->next;
    else
        w = aligned_alloc(_Alignof(struct watch), sizeof *w);
    if (w)
        memset(w, 0, sizeof *w);
    return w;
}

/* Takes an fd out of an epoll set that cannot be reached: the owner keeps the number, with another file behind it. */
static void forget_file(int fd)
{
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (other < 0)
        return;
    dup3(other, fd, O_CLOEXEC);
    close(other);
}

static void fill(struct watch *w)
{
    uint32_t fd = (uint32_t)w->fd;
    put_word(w->connection, 0, (uintptr_t)w);
    put_word(w->connection, at.read, (uintptr_t)w->read);
    put_word(w->connection, at.write, (uintptr_t)w->write);
    memcpy(w->connection + at.fd, &fd, sizeof fd);
    for (char *ev = w->read; ev; ev = ev == w->read ? w->write : NULL) {
        put_word(ev, 0, (uintptr_t)w->connection);
        put_word(ev, at.handler, (uintptr_t)on_event);
        put_word(ev, at.log, (uintptr_t)ngx_cycle->log);
    }
}

const char *rf_nginx_event_watch(void *host, int fd, void (*ready)(void *arg), void *arg, void **handle)
{
    (void)host;
    struct watch *w = new_watch();
    if (!w)
        return "no memory";
    w->ready = ready;
    w->arg = arg;
    w->fd = fd;
    fill(w);
    struct watch expected = *w;
    /* With EPOLLET the descriptor need not be read. */
    if (ngx_event_actions[0](w->read, NGX_READ_EVENT_EPOLL, NGX_CLEAR_EVENT_EPOLL) != 0) {
        w->fd = -1;
        w->next = unused;
        unused = w;
        return "nginx refused to watch a descriptor (see its error.log)";
    }
    /* Nothing but the bit "active" can have changed. */
    uint32_t active = bits(expected.read) | at.active;
    memcpy(expected.read + at.bits, &active, sizeof active);
    if (memcmp(&expected, w, sizeof expected) != 0) {
        forget_file(fd);
        return "this nginx uses its events in a way that is not known; nothing was loaded";
    }
    *handle = w;
    return NULL;
}

void rf_nginx_event_unwatch(void *host, void *handle)
{
    (void)host;
    struct watch *w = handle;
    put_word(w->read, at.log,
             (uintptr_t)ngx_cycle->log); /* of the present cycle: "master_process off" survives a reload */
    /* Closing would not do: a child holds the same open file, and epoll would go on reporting it. */
    ngx_event_actions[1](w->read, NGX_READ_EVENT_EPOLL, 0);
    uint32_t none = UINT32_MAX;
    memcpy(w->connection + at.fd, &none, sizeof none);
    w->fd = -1;
    w->next = unused;
    unused = w;
}

const char *rf_nginx_event_begin(void)
{
    uintptr_t cycle = (uintptr_t)ngx_cycle, log = (uintptr_t)ngx_cycle->log;
    if (log <= cycle || log - cycle > 1024)
        return "this nginx keeps its log in a place that is not known; nothing was handed to it";
    return at.fd ? NULL : rf_nginx_layout_find(ngx_cycle->log, &at);
}
