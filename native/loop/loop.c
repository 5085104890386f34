/* The loop: its calls, and what the tick looks after. */
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>

#include "../channel/clock.h"
#include "../channel/export.h"
#include "call.h"
#include "control.h"
#include "instance.h"
#include "reload.h"
#include "runtime.h"
#include "watch.h"

API resty_ffi_loop *resty_ffi_loop_new(const struct resty_ffi_host *host)
{
    resty_ffi_loop *l = calloc(1, sizeof *l);
    if (l)
        l->host = *host;
    return l;
}

API void resty_ffi_loop_each_call(resty_ffi_loop *l, void (*visit)(void *arg, resty_ffi_call *call), void *arg)
{
    for (uint32_t k = 0; k < l->calls_used && l->in_flight; k++) {
        struct rf_call *c = l->calls[k];
        if (c && c->public.state == RESTY_FFI_IN_FLIGHT && !c->kind->unawaited)
            visit(arg, &c->public);
    }
}

API uint32_t resty_ffi_loop_in_flight(const resty_ffi_loop *l)
{
    return l->in_flight;
}

bool rf_loop_deadlines(resty_ffi_loop *l, uint64_t now)
{
    bool some = false;
    for (uint32_t k = 0; k < l->calls_used && l->in_flight; k++) {
        struct rf_call *c = l->calls[k];
        if (!c || c->public.state != RESTY_FFI_IN_FLIGHT || !c->deadline || !c->kind->late)
            continue;
        if (now < c->deadline)
            some = true;
        else
            c->kind->late(c);
    }
    return some;
}

/* True while an instance still finishes its calls. */
static bool look_at_drains(resty_ffi_loop *l, uint64_t now)
{
    bool some = false;
    for (struct rf_instance *i = l->instances, *next; i; i = next) {
        next = i->next;
        if (!i->draining || i->state == RF_CLOSING || i->state == RF_GONE)
            continue;
        uint32_t patience = i->options->drain_ms;
        if ((now - i->draining) / 1000000 < patience) {
            some = true;
            continue;
        }
        char text[256];
        snprintf(text, sizeof text,
                 "unloaded: runtime \"%s\" was reloaded or unloaded, and this call did not end within %u ms", i->name,
                 patience);
        rf_call_fail_all(i, RESTY_FFI_UNLOADED, text);
        return true; /* the list may have changed: the rest is for the next tick */
    }
    return some;
}

API bool resty_ffi_loop_tick(resty_ffi_loop *l)
{
    uint64_t now = rf_clock_now();
    bool more = false;
    for (struct rf_instance *i = l->instances; i && l->unsent; i = i->next)
        rf_control_flush(i);
    for (resty_ffi_runtime *rt = l->runtimes; rt; rt = rt->next) {
        rf_reload_patience(rt, now);
        more |= rt->reloading != 0;
    }
    more |= rf_loop_deadlines(l, now);
    more |= look_at_drains(l, now);
    more |= rf_watch_look(l);
    return more || l->unsent;
}
