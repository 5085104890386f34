#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../channel/export.h"
#include "call.h"
#include "instance.h"
#include "methods.h"
#include "options.h"
#include "reload.h"
#include "runtime.h"
#include "transport.h"

#define MAX_WORKERS 64
#define RETRY_NS 1000000000u

API resty_ffi_loop *resty_ffi_loop_new(const struct resty_ffi_host *host)
{
    resty_ffi_loop *l = calloc(1, sizeof *l);
    if (l)
        l->host = *host;
    return l;
}

__attribute__((format(printf, 3, 4))) static void *refuse(char *error, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, size, format, args);
    va_end(args);
    return NULL;
}

static bool same_key(const resty_ffi_runtime *rt, const char *lib, const char *cfg, size_t cfg_len)
{
    if (strcmp(rt->lib, lib) != 0 || !rt->cfg != !cfg)
        return false;
    return !cfg || (rt->cfg_len == cfg_len && memcmp(rt->cfg, cfg, cfg_len) == 0);
}

static const char *short_name(const char *lib)
{
    const char *slash = strrchr(lib, '/');
    return slash ? slash + 1 : lib;
}

/* What only a serving runtime needs, and what may be large. */
static void strip(resty_ffi_runtime *rt)
{
    rf_methods_free(rt);
    free(rt->cfg);
    rt->cfg = NULL;
}

static void destroy(resty_ffi_runtime *rt)
{
    strip(rt);
    free(rt->own_options);
    free(rt->lib);
    free(rt->workers);
    free(rt);
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
    strip(rt);
    if (!rt->handles)
        destroy(rt);
}

API void resty_ffi_runtime_release(resty_ffi_runtime *rt)
{
    if (!rt)
        return;
    rt->handles--;
    rf_runtime_settle(rt);
}

static resty_ffi_runtime *new_runtime(resty_ffi_loop *l, const char *lib, const char *cfg, size_t cfg_len,
                                      const resty_ffi_options *o)
{
    resty_ffi_runtime *rt = calloc(1, sizeof *rt);
    if (!rt)
        return NULL;
    rt->loop = l;
    rt->since = rf_now();
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
        destroy(rt);
        return NULL;
    }
    /* Loaders serve many runtimes, told apart by the module that starts their configuration. */
    int module = cfg ? (int)strcspn(cfg, ",{[ \n?") : 0;
    const char *base = short_name(lib);
    if (module > 0 && module < 60 && cfg[module] == ',')
        snprintf(rt->name, sizeof rt->name, "%.60s(%.*s)", base, module, cfg);
    else
        snprintf(rt->name, sizeof rt->name, "%.100s", base);
    return rt;
}

static const char *start_workers(resty_ffi_runtime *rt)
{
    const char *error = NULL;
    for (uint32_t w = 0; w < rt->worker_count && !error; w++)
        rt->workers[w] =
            rf_instance_new(rt, rt->transport, rt->generation, 0, &error);
    return error;
}

static void unregister(resty_ffi_runtime *rt)
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

static void fail(resty_ffi_runtime *rt, const char *text)
{
    snprintf(rt->error, sizeof rt->error, "%s", text);
    rt->state = RF_FAILED;
    drop_workers(rt);
    unregister(rt);
}

static void fail_start(resty_ffi_runtime *rt, uint32_t news, const char *text)
{
    char exited[RF_TEXT + 40];
    snprintf(exited, sizeof exited, "it exited while it was starting (%s)", text);
    fail(rt, !*text ? "it ended while it was starting" : news & RF_NEWS_FAILED ? text : exited);
}

API resty_ffi_runtime *resty_ffi_runtime_load(resty_ffi_loop *l, const char *lib, const char *cfg, size_t cfg_len,
                                              const resty_ffi_options *options, char *error, size_t error_size)
{
    char differs[RF_TEXT];
    if (options->size != sizeof *options)
        return refuse(error, error_size,
                      "cannot load \"%s\": libresty_ffi.so is of another version than the program or Lua library that "
                      "uses it",
                      lib);
    resty_ffi_options o = *options;
    rf_options_complete(&o);
    rf_instances_sweep(l);
    if (l->closed)
        return refuse(error, error_size, "cannot load \"%s\": the worker is shutting down", lib);
    if (!*lib)
        return refuse(error, error_size, "cannot load a runtime without a library name");
    if (cfg && cfg_len >= RF_MAX_PAYLOAD)
        return refuse(error, error_size, "cannot load \"%s\": the configuration is larger than the limit of 128 MB",
                      lib);
    if (o.max_queue > RF_MAX_QUEUE)
        return refuse(error, error_size, "cannot load \"%s\": max_queue is %u, at most %u is possible", lib,
                      o.max_queue, RF_MAX_QUEUE);
    if (o.workers > MAX_WORKERS)
        return refuse(error, error_size, "cannot load \"%s\": workers is %u, at most %u are possible", lib, o.workers,
                      MAX_WORKERS);
    for (resty_ffi_runtime *rt = l->runtimes; rt; rt = rt->next) {
        if (!same_key(rt, lib, cfg, cfg_len))
            continue;
        if (rf_options_differ(&rt->options, options, differs, sizeof differs))
            return refuse(error, error_size,
                          "cannot load \"%s\": it is loaded already with %s (library and configuration are the same): "
                          "leave that option out, unload the runtime first, or give it another configuration",
                          lib, differs);
        rt->handles++;
        return rt;
    }
    resty_ffi_runtime *rt = new_runtime(l, lib, cfg, cfg_len, &o);
    if (!rt)
        return refuse(error, error_size, "cannot load \"%s\": no memory", lib);
    rt->transport = o.isolate ? l->host.transports->process : l->host.transports->thread;
    rt->next = l->runtimes;
    l->runtimes = rt;
    /* More than one worker needs processes: whether the library is one is known when it is open. */
    rt->worker_count = o.isolate ? o.workers : 1;
    const char *why = start_workers(rt);
    rt->handles = 1;
    if (why) {
        fail(rt, why);
        resty_ffi_runtime_release(rt);
        return refuse(error, error_size, "cannot load \"%s\": %s", lib, why);
    }
    return rt;
}

void rf_instances_wait(struct rf_instance **list, uint32_t count, int timeout_ms)
{
    struct pollfd p[MAX_WORKERS];
    struct rf_instance *of[MAX_WORKERS];
    for (uint32_t w = 0; w < count; w++) {
        struct rf_instance *i = of[w] = list[w];
        p[w] = (struct pollfd){i && i->state == RF_STARTING ? i->q.ch.to_host : -1, POLLIN, 0};
        if (i)
            atomic_fetch_add(&i->refs, 1); /* what is told of one may end the others */
    }
    poll(p, count, timeout_ms);
    for (uint32_t w = 0; w < count; w++) {
        uint64_t ignored;
        /* Read here, or poll would not sleep; an edge-triggered host has its event noted all the same. Only what poll
           has seen: a child can make reads of an empty descriptor block. */
        if (p[w].revents && of[w]->state != RF_GONE && !of[w]->retired && read(p[w].fd, &ignored, sizeof ignored) > 0)
            rf_instance_dispatch(of[w]);
        if (of[w])
            rf_instance_unref(of[w]);
    }
}

API int resty_ffi_runtime_wait(resty_ffi_runtime *rt, int timeout_ms, char *error, size_t error_size)
{
    uint64_t start = rf_now();
    while (rt->state == RF_LOADING) {
        uint64_t now = rf_now(), waited = (now - start) / 1000000;
        if ((now - rt->since) / 1000000 >= rt->options.load_timeout_ms) {
            char text[256];
            snprintf(text, sizeof text,
                     "it has not finished starting within %u ms (load_timeout); look for a libffi_init that hangs",
                     rt->options.load_timeout_ms);
            rt->timed_out = true;
            fail(rt, text);
            break;
        }
        rf_instances_wait(rt->workers, rt->worker_count, timeout_ms < 0 || timeout_ms > 100 ? 100 : timeout_ms);
        if (rt->state == RF_LOADING && timeout_ms >= 0 && waited >= (uint64_t)timeout_ms)
            return 0;
    }
    if (rt->state == RF_UP)
        return 1;
    snprintf(error, error_size, "cannot load \"%s\": %s", rt->lib, rt->error);
    return rt->timed_out ? -2 : -1;
}

static uint32_t worker_number(const resty_ffi_runtime *rt, const struct rf_instance *i)
{
    uint32_t w = 0;
    while (w < rt->worker_count && rt->workers[w] != i)
        w++;
    return w;
}

static void ready(resty_ffi_runtime *rt, struct rf_instance *i)
{
    i->state = RF_READY;
    i->since = rf_now();
    if (rt->state != RF_LOADING)
        return;
    for (uint32_t w = 0; w < rt->worker_count; w++)
        if (!rt->workers[w] || rt->workers[w]->state != RF_READY)
            return;
    rt->state = RF_UP;
}

/* The library names a program: all over again, as processes. */
static void become_process(resty_ffi_runtime *rt, struct rf_instance *i)
{
    i->rt = NULL;
    rt->workers[0] = NULL;
    rt->transport = rt->loop->host.transports->process;
    rt->worker_count = rt->options.workers;
    const char *error = start_workers(rt);
    if (error)
        fail(rt, error);
}

/* Doubles with every start in a row that did not come up or lived less than 5 s. */
static uint32_t back_off(resty_ffi_runtime *rt, const struct rf_instance *i)
{
    bool lived = i->state == RF_READY && rf_now() - i->since > 5000000000u;
    rt->drops = lived ? 0 : rt->drops + 1;
    uint32_t delay = rt->drops < 2 ? 0 : 50u << (rt->drops < 9 ? rt->drops - 2 : 7);
    return delay > 5000 ? 5000 : delay;
}

static void restart(resty_ffi_runtime *rt, struct rf_instance *i, const char *how)
{
    resty_ffi_loop *l = rt->loop;
    uint32_t w = worker_number(rt, i);
    bool again = rt->transport->restarts && rt->options.restart && !l->closed && rt->state == RF_UP;
    uint32_t delay = back_off(rt, i);
    char text[RF_TEXT + 200];
    snprintf(text, sizeof text, "exited (%s); it is %s", how, again ? "being restarted" : "not restarted");
    rf_runtime_log(rt, RESTY_FFI_LOG_ERR, text);
    const char *error = NULL;
    rt->workers[w] = again ? rf_instance_new(rt, rt->transport, rt->generation, delay, &error) : NULL;
    rt->stats.restarts += rt->workers[w] != NULL;
    if (again && !rt->workers[w]) {
        rt->missing++;
        rt->retry = rf_now() + RETRY_NS;
    }
    snprintf(rt->error, sizeof rt->error, "%s", error ? error : how);
    snprintf(text, sizeof text, "runtime \"%s\" exited (%s)", rt->name, how);
    rf_calls_fail(i, RESTY_FFI_EXITED, text);
    i->rt = NULL;
}

/* One that finished its calls: they fail, nothing is started in its place. */
static void lost_old(resty_ffi_runtime *rt, struct rf_instance *i, const char *how)
{
    char text[RF_TEXT + 200];
    snprintf(text, sizeof text, "runtime \"%s\" exited (%s)", rt->name, how);
    uint32_t w = worker_number(rt, i);
    if (w < rt->worker_count)
        rt->workers[w] = NULL;
    i->draining = 0;
    rf_calls_fail(i, RESTY_FFI_EXITED, text);
    i->rt = NULL;
    rf_runtime_settle(rt);
}

/* Descriptors or memory may be had again by now. */
void rf_runtime_refill(resty_ffi_runtime *rt)
{
    uint64_t now = rf_now();
    const char *error;
    if (now < rt->retry)
        return;
    for (uint32_t w = 0; w < rt->worker_count && rt->missing; w++) {
        if (rt->workers[w])
            continue;
        if (!(rt->workers[w] = rf_instance_new(rt, rt->transport, rt->generation, 0, &error))) {
            snprintf(rt->error, sizeof rt->error, "%s", error);
            break;
        }
        rt->missing--;
        rt->stats.restarts++;
    }
    rt->retry = now + RETRY_NS;
}

void rf_runtime_news(resty_ffi_runtime *rt, struct rf_instance *i, uint32_t news)
{
    char text[RF_TEXT];
    rf_instance_text(i, text, sizeof text);
    if (i->incoming) {
        rf_reload_news(rt, i, news, text);
        return;
    }
    if (i->draining) {
        if (news & (RF_NEWS_FAILED | RF_NEWS_EXITED | RF_NEWS_ENDED))
            lost_old(rt, i, *text ? text : "it closed its queue");
        return;
    }
    if (news & RF_NEWS_READY && i->state == RF_STARTING)
        ready(rt, i);
    if (news & RF_NEWS_WANTS_PROCESS) {
        become_process(rt, i);
    } else if (news & (RF_NEWS_FAILED | RF_NEWS_EXITED | RF_NEWS_ENDED) && rt->state == RF_LOADING) {
        fail_start(rt, news, text);
    } else if (news & (RF_NEWS_FAILED | RF_NEWS_EXITED | RF_NEWS_ENDED)) {
        restart(rt, i, *text ? text : "it closed its queue");
    }
}

void rf_instance_drained(struct rf_instance *i)
{
    resty_ffi_runtime *rt = i->rt;
    uint32_t w = rt ? worker_number(rt, i) : 0;
    if (rt && w < rt->worker_count)
        rt->workers[w] = NULL;
    i->rt = NULL;
    rf_instance_close(i);
    if (rt)
        rf_runtime_settle(rt);
}

void rf_instance_drain(struct rf_instance *i)
{
    if (i->draining)
        return;
    i->draining = rf_now();
    if (i->in_flight == 0)
        rf_instance_drained(i);
    else
        i->loop->host.tick(i->loop->host.host);
}

API void resty_ffi_runtime_unload(resty_ffi_runtime *rt)
{
    resty_ffi_loop *l = rt->loop;
    if (rt->state == RF_LOADING)
        fail(rt, "it was unloaded while it was starting");
    if (rt->state != RF_UP)
        return;
    rf_reload_fail(rt, "it was unloaded meanwhile");
    rt->state = RF_UNLOADED;
    unregister(rt);
    /* Those of a reload before do not hold up the runtime: its handle may be given back. */
    for (struct rf_instance *i = l->instances; i; i = i->next)
        if (i->rt == rt && worker_number(rt, i) == rt->worker_count)
            i->rt = NULL;
    /* The last of them may free the runtime, if nobody holds it. */
    rt->handles++;
    for (uint32_t w = 0; w < rt->worker_count; w++)
        if (rt->workers[w])
            rf_instance_drain(rt->workers[w]);
    resty_ffi_runtime_release(rt);
    rf_instances_sweep(l);
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
        out->queued += c && waiting <= c->at.cells ? waiting : 0; /* a child may write there what it likes */
    }
    /* Those that finish after a reload count too. */
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

API const char *resty_ffi_runtime_explain(resty_ffi_runtime *rt, int status)
{
    char *out = rt->explained;
    size_t size = sizeof rt->explained;
    switch (status) {
    case RESTY_FFI_TIMEOUT:
        snprintf(out, size, "timeout: runtime \"%s\" did not answer in time", rt->name);
        break;
    case RESTY_FFI_CANCELLED:
        snprintf(out, size, "cancelled: the caller of runtime \"%s\" went away", rt->name);
        break;
    case RESTY_FFI_QUEUE_FULL:
        snprintf(out, size,
                 "queue full: runtime \"%s\" has %u calls waiting (max_queue), or its payload memory is used up",
                 rt->name, rt->options.max_queue);
        break;
    case RESTY_FFI_TOO_LARGE:
        snprintf(out, size, "too large: runtime \"%s\" takes payloads up to %llu bytes", rt->name,
                 (unsigned long long)RF_MAX_PAYLOAD);
        break;
    case RESTY_FFI_EXITED:
        snprintf(out, size, "runtime \"%s\" exited (%s) and is not running", rt->name, rt->error);
        break;
    case RESTY_FFI_UNLOADED:
        snprintf(out, size, "unloaded: runtime \"%s\" was unloaded; load it again with ngx.load_ffi", rt->name);
        break;
    default:
        snprintf(out, size, "runtime \"%s\" refused the call (code %d)", rt->name, status);
    }
    return out;
}
