/* opts.watch: checks the files of a runtime's code, and reloads the runtime after a change. For development. */
#include "watch.h"

#include <stdio.h>

#include "../channel/clock.h"
#include "resty_ffi.h"
#include "runtime.h"
#include "watched.h"

#define PAUSE_NS 500000000u

static void look_at(resty_ffi_runtime *rt)
{
    const char *path = NULL;
    char text[4200];
    for (uint32_t w = 0; w < rt->worker_count && !path; w++)
        if (rt->workers[w])
            path = rf_watched_settled(rt->workers[w]);
    if (!path)
        return;
    for (uint32_t w = 0; w < rt->worker_count; w++)
        if (rt->workers[w])
            rf_watched_forget(rt->workers[w]);
    snprintf(text, sizeof text, "%s has changed: reloading", path);
    rf_runtime_log(rt, RESTY_FFI_LOG_NOTICE, text);
    resty_ffi_runtime_reload(rt);
}

bool rf_watch_look(resty_ffi_loop *l)
{
    uint64_t now = rf_clock_now();
    bool any = false, due = now - l->looked >= PAUSE_NS;
    if (due)
        l->looked = now;
    for (resty_ffi_runtime *rt = l->runtimes; rt; rt = rt->next) {
        if (!rt->options.watch)
            continue;
        any = true;
        if (due && rt->state == RF_UP && !rt->reloading)
            look_at(rt);
    }
    return any;
}
