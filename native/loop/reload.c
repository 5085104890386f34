/*
 * Reload: the new code starts beside the old, takes its place when all of it is up, and the old finishes its calls. A
 * library that says so (libffi_reload) is initialised once more in this process; any other goes to a child process,
 * since machine code cannot be replaced safely under its own threads.
 */
#include "reload.h"

#include <stdio.h>
#include <stdlib.h>

#include "../channel/clock.h"
#include "../channel/export.h"
#include "dispatch.h"
#include "instance.h"
#include "runtime.h"
#include "transport.h"
#include "workers.h"

static void drop_incoming(resty_ffi_runtime *rt)
{
    for (uint32_t w = 0; w < rt->incoming_count; w++) {
        struct rf_instance *i = rt->incoming[w];
        rt->incoming[w] = NULL;
        if (i) {
            i->rt = NULL;
            rf_instance_close(i);
        }
    }
    free(rt->incoming);
    rt->incoming = NULL;
    rt->incoming_count = 0;
    rt->reloading = 0;
}

void rf_reload_fail(resty_ffi_runtime *rt, const char *text)
{
    char line[RF_TEXT + 100];
    if (!rt->reloading)
        return;
    snprintf(rt->reload_error, sizeof rt->reload_error, "%s", text);
    rt->reloaded = -1;
    drop_incoming(rt);
    snprintf(line, sizeof line, "was not reloaded, the code from before goes on: %s", rt->reload_error);
    rf_runtime_log(rt, RESTY_FFI_LOG_ERR, line);
}

/* Whether the new code can start where the old code runs. */
static bool may_stay(const resty_ffi_runtime *rt)
{
    return rt->transport->reloads && rt->workers[0] && rt->transport->reloads(rt->workers[0]);
}

static void swap(resty_ffi_runtime *rt)
{
    struct rf_instance **list = rt->incoming;
    uint32_t count = rt->incoming_count;
    rt->incoming = NULL;
    rt->incoming_count = 0;
    rt->reloading = 0;
    rt->generation++;
    rt->reloaded = 1;
    rt->stats.reloads++;
    rf_workers_replace(rt, list, count);
    rf_runtime_log(rt, RESTY_FFI_LOG_NOTICE, "reloaded");
}

static void on_incoming_news(struct rf_instance *i, uint32_t news)
{
    resty_ffi_runtime *rt = i->rt;
    char text[RF_TEXT];
    if (news & (RF_NEWS_FAILED | RF_NEWS_EXITED | RF_NEWS_ENDED)) {
        rf_instance_text(i, text, sizeof text);
        rf_reload_fail(rt, *text ? text : "it ended while it was starting");
        return;
    }
    if (!(news & RF_NEWS_READY) || i->state != RF_STARTING)
        return;
    i->state = RF_READY;
    i->since = rf_clock_now();
    for (uint32_t w = 0; w < rt->incoming_count; w++)
        if (rt->incoming[w]->state != RF_READY)
            return;
    swap(rt);
}

/* An incoming instance gets no calls, so it never drains. */
static const struct rf_instance_user incoming = {.ready = rf_dispatch_ready, .news = on_incoming_news};

API int resty_ffi_runtime_reload(resty_ffi_runtime *rt)
{
    const char *error = NULL;
    if (rt->state != RF_UP || rt->loop->closed)
        return rt->state == RF_FAILED ? RESTY_FFI_EXITED : RESTY_FFI_UNLOADED;
    if (rt->reloading)
        return 0;
    rf_instance_sweep(rt->loop); /* instances of failed reloads */
    bool stay = may_stay(rt);
    const struct rf_transport *transport = stay ? rt->transport : rt->loop->host.transports->process;
    uint32_t count = stay ? 1 : rt->options.workers;
    rt->incoming = calloc(count, sizeof(void *));
    if (!rt->incoming)
        return RESTY_FFI_QUEUE_FULL;
    rt->incoming_count = count;
    rt->reloading = rf_clock_now();
    rt->reloaded = 0;
    for (uint32_t w = 0; w < count && !error; w++)
        rt->incoming[w] = rf_instance_new(rt, transport, &incoming, rt->generation + 1, 0, &error);
    if (error)
        rf_reload_fail(rt, error);
    else
        rt->loop->host.tick(rt->loop->host.host);
    return 0;
}

void rf_reload_patience(resty_ffi_runtime *rt, uint64_t now)
{
    char text[160];
    if (!rt->reloading || (now - rt->reloading) / 1000000 < rt->options.load_timeout_ms)
        return;
    snprintf(text, sizeof text, "the new code has not finished starting within %u ms (load_timeout)",
             rt->options.load_timeout_ms);
    rf_reload_fail(rt, text);
}

API int resty_ffi_runtime_reload_wait(resty_ffi_runtime *rt, int timeout_ms, char *error, size_t error_size)
{
    uint64_t start = rf_clock_now();
    while (rt->reloading) {
        uint64_t waited = (rf_clock_now() - start) / 1000000;
        if (timeout_ms >= 0 && waited >= (uint64_t)timeout_ms)
            return 0;
        rf_dispatch_wait(rt->incoming, rt->incoming_count, 100);
        rf_reload_patience(rt, rf_clock_now());
    }
    if (rt->reloaded > 0)
        return 1;
    snprintf(error, error_size, "runtime \"%s\" was not reloaded: %s", rt->name, rt->reload_error);
    return -1;
}
