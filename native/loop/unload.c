/* Unloading a runtime: calls in flight are finished, within a time. */
#include "../channel/export.h"
#include "instance.h"
#include "reload.h"
#include "runtime.h"
#include "workers.h"

API void resty_ffi_runtime_unload(resty_ffi_runtime *rt)
{
    resty_ffi_loop *l = rt->loop;
    if (rt->state == RF_LOADING)
        rf_runtime_fail(rt, "it was unloaded while it was starting");
    if (rt->state != RF_UP)
        return;
    rf_reload_fail(rt, "it was unloaded meanwhile");
    rt->state = RF_UNLOADED;
    rf_runtime_unregister(rt);
    /* Instances of an earlier reload no longer belong to the runtime, whose last handle may be released. */
    for (struct rf_instance *i = l->instances; i; i = i->next)
        if (i->rt == rt && rf_workers_number(rt, i) == rt->worker_count)
            i->rt = NULL;
    /* The last of them may free the runtime when there are no handles. */
    rt->handles++;
    for (uint32_t w = 0; w < rt->worker_count; w++)
        if (rt->workers[w])
            rf_workers_drain(rt->workers[w]);
    resty_ffi_runtime_release(rt);
    rf_instance_sweep(l);
}
