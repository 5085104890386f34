/* The instances that serve a runtime: starts them, acts on their news, ends them. */
#include "workers.h"

#include <stdio.h>
#include <stdlib.h>

#include "../channel/clock.h"
#include "call.h"
#include "dispatch.h"
#include "instance.h"
#include "runtime.h"
#include "transport.h"

#define RETRY_NS 1000000000u

static void on_news(struct rf_instance *i, uint32_t news);
static void on_idle(struct rf_instance *i);

static const struct rf_instance_user worker = {.ready = rf_dispatch_ready, .news = on_news, .idle = on_idle};

const char *rf_workers_start(resty_ffi_runtime *rt)
{
    const char *error = NULL;
    for (uint32_t w = 0; w < rt->worker_count && !error; w++)
        rt->workers[w] = rf_instance_new(rt, rt->transport, &worker, rt->generation, 0, &error);
    return error;
}

uint32_t rf_workers_number(const resty_ffi_runtime *rt, const struct rf_instance *i)
{
    uint32_t w = 0;
    while (w < rt->worker_count && rt->workers[w] != i)
        w++;
    return w;
}

static void become_ready(resty_ffi_runtime *rt, struct rf_instance *i)
{
    i->state = RF_READY;
    i->since = rf_clock_now();
    if (rt->state != RF_LOADING)
        return;
    for (uint32_t w = 0; w < rt->worker_count; w++)
        if (!rt->workers[w] || rt->workers[w]->state != RF_READY)
            return;
    rt->state = RF_UP;
}

static void fail_start(resty_ffi_runtime *rt, uint32_t news, const char *text)
{
    char exited[RF_TEXT + 40];
    snprintf(exited, sizeof exited, "it exited while it was starting (%s)", text);
    rf_runtime_fail(rt, !*text ? "it ended while it was starting" : news & RF_NEWS_FAILED ? text : exited);
}

/* The library names a program: starts all workers again, as processes. */
static void become_process(resty_ffi_runtime *rt, struct rf_instance *i)
{
    i->rt = NULL;
    rt->workers[0] = NULL;
    rt->transport = rt->loop->host.transports->process;
    rt->worker_count = rt->options.workers;
    const char *error = rf_workers_start(rt);
    if (error)
        rf_runtime_fail(rt, error);
}

/* The delay doubles with every start in a row that failed or lived less than 5 s. */
static uint32_t back_off(resty_ffi_runtime *rt, const struct rf_instance *i)
{
    bool lived = i->state == RF_READY && rf_clock_now() - i->since > 5000000000u;
    rt->drops = lived ? 0 : rt->drops + 1;
    uint32_t delay = rt->drops < 2 ? 0 : 50u << (rt->drops < 9 ? rt->drops - 2 : 7);
    return delay > 5000 ? 5000 : delay;
}

/* Descriptors or memory may be available again. */
static void refill(resty_ffi_runtime *rt)
{
    uint64_t now = rf_clock_now();
    const char *error;
    if (now < rt->retry)
        return;
    for (uint32_t w = 0; w < rt->worker_count && rt->missing; w++) {
        if (rt->workers[w])
            continue;
        if (!(rt->workers[w] = rf_instance_new(rt, rt->transport, &worker, rt->generation, 0, &error))) {
            snprintf(rt->error, sizeof rt->error, "%s", error);
            break;
        }
        rt->missing--;
        rt->stats.restarts++;
    }
    if (!rt->missing)
        rt->refill = NULL;
    rt->retry = now + RETRY_NS;
}

static void restart(resty_ffi_runtime *rt, struct rf_instance *i, const char *how)
{
    resty_ffi_loop *l = rt->loop;
    uint32_t w = rf_workers_number(rt, i);
    bool again = rt->transport->restarts && rt->options.restart && !l->closed && rt->state == RF_UP;
    uint32_t delay = back_off(rt, i);
    char text[RF_TEXT + 200];
    snprintf(text, sizeof text, "exited (%s); it is %s", how, again ? "being restarted" : "not restarted");
    rf_runtime_log(rt, RESTY_FFI_LOG_ERR, text);
    const char *error = NULL;
    rt->workers[w] = again ? rf_instance_new(rt, rt->transport, &worker, rt->generation, delay, &error) : NULL;
    rt->stats.restarts += rt->workers[w] != NULL;
    if (again && !rt->workers[w]) {
        rt->missing++;
        rt->retry = rf_clock_now() + RETRY_NS;
        rt->refill = refill;
    }
    snprintf(rt->error, sizeof rt->error, "%s", error ? error : how);
    snprintf(text, sizeof text, "runtime \"%s\" exited (%s)", rt->name, how);
    rf_call_fail_all(i, RESTY_FFI_EXITED, text);
    i->rt = NULL;
}

/* A draining instance has ended: fails its calls, and starts no other in its place. */
static void lost_old(resty_ffi_runtime *rt, struct rf_instance *i, const char *how)
{
    char text[RF_TEXT + 200];
    snprintf(text, sizeof text, "runtime \"%s\" exited (%s)", rt->name, how);
    uint32_t w = rf_workers_number(rt, i);
    if (w < rt->worker_count)
        rt->workers[w] = NULL;
    i->draining = 0;
    rf_call_fail_all(i, RESTY_FFI_EXITED, text);
    i->rt = NULL;
    rf_runtime_settle(rt);
}

static void on_news(struct rf_instance *i, uint32_t news)
{
    resty_ffi_runtime *rt = i->rt;
    char text[RF_TEXT];
    rf_instance_text(i, text, sizeof text);
    if (i->draining) {
        if (news & (RF_NEWS_FAILED | RF_NEWS_EXITED | RF_NEWS_ENDED))
            lost_old(rt, i, *text ? text : "it closed its queue");
        return;
    }
    if (news & RF_NEWS_READY && i->state == RF_STARTING)
        become_ready(rt, i);
    if (news & RF_NEWS_WANTS_PROCESS) {
        become_process(rt, i);
    } else if (news & (RF_NEWS_FAILED | RF_NEWS_EXITED | RF_NEWS_ENDED) && rt->state == RF_LOADING) {
        fail_start(rt, news, text);
    } else if (news & (RF_NEWS_FAILED | RF_NEWS_EXITED | RF_NEWS_ENDED)) {
        restart(rt, i, *text ? text : "it closed its queue");
    }
}

static void on_idle(struct rf_instance *i)
{
    resty_ffi_runtime *rt = i->rt;
    uint32_t w = rt ? rf_workers_number(rt, i) : 0;
    if (rt && w < rt->worker_count)
        rt->workers[w] = NULL;
    i->rt = NULL;
    rf_instance_close(i);
    if (rt)
        rf_runtime_settle(rt);
}

void rf_workers_drain(struct rf_instance *i)
{
    if (i->draining)
        return;
    i->draining = rf_clock_now();
    if (i->in_flight == 0)
        on_idle(i);
    else
        i->loop->host.tick(i->loop->host.host);
}

void rf_workers_replace(resty_ffi_runtime *rt, struct rf_instance **list, uint32_t count)
{
    struct rf_instance **old = rt->workers;
    uint32_t old_count = rt->worker_count;
    rt->workers = list;
    rt->worker_count = count;
    rt->transport = list[0]->transport;
    rt->drops = rt->missing = 0;
    rt->refill = NULL;
    for (uint32_t w = 0; w < count; w++)
        list[w]->user = &worker;
    for (uint32_t w = 0; w < old_count; w++)
        if (old[w])
            rf_workers_drain(old[w]);
    free(old);
}
