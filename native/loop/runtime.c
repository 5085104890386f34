#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../channel/clock.h"
#include "../channel/export.h"
#include "instance.h"
#include "methods.h"
#include "options.h"
#include "transport.h"

static const char *short_name(const char *lib)
{
    const char *slash = strrchr(lib, '/');
    return slash ? slash + 1 : lib;
}

/* Frees what only a serving runtime needs and what may be large. */
static void strip_runtime(resty_ffi_runtime *rt)
{
    rf_methods_free(rt);
    free(rt->cfg);
    rt->cfg = NULL;
}

static void destroy_runtime(resty_ffi_runtime *rt)
{
    strip_runtime(rt);
    free(rt->own_options);
    free(rt->lib);
    free(rt->workers);
    free(rt);
}

resty_ffi_runtime *rf_runtime_new(resty_ffi_loop *l, const char *lib, const char *cfg, size_t cfg_len,
                                  const resty_ffi_options *o)
{
    resty_ffi_runtime *rt = calloc(1, sizeof *rt);
    if (!rt)
        return NULL;
    rt->loop = l;
    rt->since = rf_clock_now();
    rt->own_options = rf_options_copy(o);
    rt->options = rt->own_options ? *rt->own_options : *o;
    rt->lib = strdup(lib);
    rt->workers = calloc(o->workers, sizeof(void *));
    rt->worker_count = o->workers;
    if (cfg && (rt->cfg = malloc(cfg_len + 1))) {
        memcpy(rt->cfg, cfg, cfg_len);
        rt->cfg[cfg_len] = 0;
        rt->cfg_len = cfg_len;
    }
    if (!rt->own_options || !rt->lib || !rt->workers || (cfg && !rt->cfg)) {
        destroy_runtime(rt);
        return NULL;
    }
    /* A loader serves many runtimes; the module at the start of the configuration tells them apart. */
    int module = cfg ? (int)strcspn(cfg, ",{[ \n?") : 0;
    const char *base = short_name(lib);
    if (module > 0 && module < 60 && cfg[module] == ',')
        snprintf(rt->name, sizeof rt->name, "%.60s(%.*s)", base, module, cfg);
    else
        snprintf(rt->name, sizeof rt->name, "%.100s", base);
    return rt;
}

void rf_runtime_log(resty_ffi_runtime *rt, int level, const char *text)
{
    const struct resty_ffi_host *host = &rt->loop->host;
    host->log(host->host, level, rt->name, text, strlen(text));
}

void rf_runtime_settle(resty_ffi_runtime *rt)
{
    if (rt->state == RF_LOADING || rt->state == RF_UP)
        return;
    for (uint32_t w = 0; w < rt->worker_count; w++)
        if (rt->workers[w])
            return;
    strip_runtime(rt);
    if (!rt->handles)
        destroy_runtime(rt);
}

API void resty_ffi_runtime_release(resty_ffi_runtime *rt)
{
    if (!rt)
        return;
    rt->handles--;
    rf_runtime_settle(rt);
}

void rf_runtime_unregister(resty_ffi_runtime *rt)
{
    resty_ffi_runtime **p = &rt->loop->runtimes;
    while (*p && *p != rt)
        p = &(*p)->next;
    if (*p)
        *p = rt->next;
}

static void drop_workers(resty_ffi_runtime *rt)
{
    for (uint32_t w = 0; w < rt->worker_count; w++) {
        struct rf_instance *i = rt->workers[w];
        rt->workers[w] = NULL;
        if (i) {
            rf_instance_close(i);
            i->rt = NULL;
        }
    }
}

void rf_runtime_fail(resty_ffi_runtime *rt, const char *text)
{
    snprintf(rt->error, sizeof rt->error, "%s", text);
    rt->state = RF_FAILED;
    drop_workers(rt);
    rf_runtime_unregister(rt);
}

API void resty_ffi_runtime_stats(const resty_ffi_runtime *rt, resty_ffi_stats *out)
{
    *out = rt->stats;
    out->in_flight = 0;
    out->workers = rt->worker_count;
    out->process = rt->transport->shares_memory;
    out->up = rt->state == RF_UP;
    out->queued = 0;
    for (uint32_t w = 0; w < rt->worker_count; w++) {
        const struct rf_channel *c = rt->workers[w] ? &rt->workers[w]->q.ch : NULL;
        uint32_t waiting = c ? c->tail - atomic_load_explicit(&c->h->head, memory_order_relaxed) : 0;
        out->queued += c && waiting <= c->at.cells ? waiting : 0; /* a child may write any value there */
    }
    /* Instances that drain after a reload count too. */
    for (const struct rf_instance *i = rt->loop->instances; i; i = i->next)
        if (i->rt == rt)
            out->in_flight += i->in_flight;
}

API const char *resty_ffi_runtime_name(const resty_ffi_runtime *rt)
{
    return rt->name;
}

API uint32_t resty_ffi_runtime_timeout(const resty_ffi_runtime *rt)
{
    return rt->options.timeout_ms;
}

API void *resty_ffi_runtime_user(const resty_ffi_runtime *rt)
{
    return rt->user;
}
API void resty_ffi_runtime_set_user(resty_ffi_runtime *rt, void *user)
{
    rt->user = user;
}
