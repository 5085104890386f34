#include "layout.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nginx_abi.h"

#define NO_FD UINT32_MAX
#define NO_INDEX 0xd0d0d0d0u /* NGX_INVALID_INDEX */
#define SEEN 64              /* how many bytes of each struct are examined; each has more than twice as many */

/* Every nginx since 1.9.11; Tengine with ngx_multi_upstream_module and with --with-openssl-async. */
static const struct {
    bool multi, async;
} known[] = {{false, false}, {true, false}, {false, true}, {true, true}};

static struct rf_nginx_layout layout(bool multi, bool async)
{
    struct rf_nginx_layout at = {.read = 8, .write = 16, .fd = 24, .bits = 8, .handler = 16, .index = 24, .log = 32};
    int bit = 2;
    if (multi) { /* a pointer after the connection's data */
        at.read += 8;
        at.write += 8;
        at.fd += 8;
    }
    if (async) { /* a third event before the fd, a second handler, a bit after "write" */
        at.fd += 8;
        at.index += 8;
        at.log += 8;
        bit++;
    }
    at.instance = 1u << bit;
    at.active = 2u << bit;
    at.ready = 8u << bit;
    return at;
}

/* A connection that nginx has just made, and its two events. */
struct fresh {
    const char *address;
    char connection[SEEN];
    uint32_t read_bits, write_bits;
};

static uint64_t word(const void *s, size_t at)
{
    uint64_t value;
    memcpy(&value, (const char *)s + at, sizeof value);
    return value;
}

static uint32_t half(const void *s, size_t at)
{
    uint32_t value;
    memcpy(&value, (const char *)s + at, sizeof value);
    return value;
}

/* Whether this address is mapped: what looks like a pointer may not be one. */
static bool mapped(uint64_t address)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = address & ~(page - 1);
    return address && address % 8 == 0 && msync((void *)(uintptr_t)from, address - from + SEEN, MS_ASYNC) == 0;
}

/* An event that nginx has just cleared: it points to its connection, and its index is one that no event in use has. */
static bool is_event(uint64_t address, const char *connection, const struct rf_nginx_layout *at, uint32_t *bits)
{
    if (!mapped(address))
        return false;
    const void *ev = (const void *)(uintptr_t)address;
    *bits = half(ev, at->bits);
    for (size_t k = at->handler; k < at->index; k += 8)
        if (word(ev, k))
            return false;
    return word(ev, 0) == (uintptr_t)connection && word(ev, at->index) == NO_INDEX && word(ev, at->log) == 0;
}

static bool fits(const struct rf_nginx_layout *at, struct fresh *f)
{
    const char *c = f->connection;
    for (size_t k = 0; k < at->read; k += 8)
        if (word(c, k))
            return false;
    return half(c, at->fd) == NO_FD && word(c, at->read) != word(c, at->write) &&
           is_event(word(c, at->read), f->address, at, &f->read_bits) &&
           is_event(word(c, at->write), f->address, at, &f->write_bits) && f->write_bits == (f->read_bits | 1);
}

/* nginx never uses the fd -1: for the time in between, and for the connection when it is free again. */
static bool look_at_connection(void *log, const struct rf_nginx_layout *at, struct fresh *f)
{
    void *c = ngx_get_connection(-1, log);
    if (!c)
        return false;
    f->address = c;
    memcpy(f->connection, c, SEEN);
    f->read_bits = f->write_bits = 0;
    bool yes = fits(at, f);
    ngx_free_connection(c);
    return yes;
}

const char *rf_nginx_layout_find(void *log, struct rf_nginx_layout *found)
{
    void *c = ngx_get_connection(-1, log);
    if (!c)
        return "nginx has no connection left: raise worker_connections";
    ngx_free_connection(c);
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        struct rf_nginx_layout at = layout(known[k].multi, known[k].async);
        struct fresh first, second;
        /* Each use of a connection flips its bit "instance", which shows where that bit is. */
        if (look_at_connection(log, &at, &first) && look_at_connection(log, &at, &second) &&
            first.address == second.address && (first.read_bits ^ second.read_bits) == at.instance &&
            (first.read_bits & second.read_bits) == 0) {
            *found = at;
            return NULL;
        }
    }
    return "this nginx lays out its connections and events in a way that is not known; nothing was handed to it";
}
