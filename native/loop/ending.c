/*
 * The end of a loop: accepted work is finished first, as far as time allows. One-way calls are answered; then the
 * runtimes are told to end, and finish what they have begun.
 */
#include <poll.h>
#include <string.h>

#include "../channel/clock.h"
#include "../channel/export.h"
#include "control.h"
#include "dispatch.h"
#include "instance.h"
#include "one_way.h"
#include "options.h"
#include "transport.h"

#define MS 1000000u
#define HURRY (1000u * MS)

/* Dispatches by itself, since the host no longer watches the descriptors. */
static void answer_one_way(resty_ffi_loop *l, uint64_t end)
{
    while (l->one_way && rf_clock_now() < end) {
        for (struct rf_instance *i = l->instances, *next; i; i = next) {
            next = i->next;
            rf_dispatch_ready(i);
        }
        rf_loop_deadlines(l, rf_clock_now());
        for (struct rf_instance *i = l->instances; i && l->unsent; i = i->next)
            rf_control_flush(i);
        if (l->one_way)
            poll(NULL, 0, 1);
    }
    rf_one_way_give_up(l);
}

/* Whether the end waits for this instance. A transport that awaits ends itself also gives up by itself. */
static bool awaited(struct rf_instance *i, uint64_t now)
{
    if (i->state != RF_CLOSING)
        return false;
    if (i->transport->awaits_end)
        return !(atomic_load(&i->news) & (RF_NEWS_ENDED | RF_NEWS_EXITED));
    if (rf_instance_left(i))
        return false;
    if (!rf_instance_finishes(i))
        return now < i->patience;
    i->patience = now + RF_PATIENCE;
    return now < i->end_by;
}

static void tell_unfinished(const struct rf_instance *i)
{
    const struct resty_ffi_host *host = &i->loop->host;
    if (i->state == RF_CLOSING && !i->transport->awaits_end && rf_instance_finishes(i))
        host->log(host->host, RESTY_FFI_LOG_ERR, i->name, RF_UNFINISHED, sizeof RF_UNFINISHED - 1);
}

static bool hurry(const resty_ffi_loop *l)
{
    return l->host.hurry && l->host.hurry(l->host.host);
}

static void stop(resty_ffi_loop *l, int timeout_ms)
{
    const struct rf_transport *const all[] = {l->host.transports->thread, l->host.transports->process};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (all[k]->stop)
            all[k]->stop(l, timeout_ms);
}

API void resty_ffi_loop_close(resty_ffi_loop *l, int timeout_ms)
{
    uint64_t now = rf_clock_now(), most = 0;
    bool hurried = false;
    l->closed = true;
    l->end_by = now + (uint64_t)timeout_ms * MS;
    for (struct rf_instance *i = l->instances; i; i = i->next)
        most = i->options->drain_ms > most ? i->options->drain_ms : most;
    most = most < (uint64_t)timeout_ms / 2 ? most : (uint64_t)timeout_ms / 2;
    answer_one_way(l, now + most * MS);
    for (struct rf_instance *i = l->instances; i; i = i->next)
        rf_instance_close(i);
    for (;;) {
        bool busy = false;
        now = rf_clock_now();
        for (struct rf_instance *i = l->instances; i; i = i->next) {
            rf_dispatch_rest(i);
            busy |= awaited(i, now);
        }
        if (!busy || now >= l->end_by)
            break;
        if (!hurried && (hurried = hurry(l)) && l->end_by > now + HURRY)
            l->end_by = now + HURRY;
        poll(NULL, 0, 1);
    }
    now = rf_clock_now();
    stop(l, now < l->end_by ? (int)((l->end_by - now) / MS) : 0);
    for (struct rf_instance *i = l->instances; i; i = i->next) {
        rf_dispatch_rest(i);
        tell_unfinished(i);
    }
}
