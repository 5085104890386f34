/* Loading a runtime: refuses bad loads, finds runtimes by their key, limits the time of a start. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../channel/clock.h"
#include "../channel/export.h"
#include "../channel/layout.h"
#include "dispatch.h"
#include "instance.h"
#include "options.h"
#include "runtime.h"
#include "transport.h"
#include "workers.h"

__attribute__((format(printf, 3, 4))) static void *refuse_load(char *error, size_t size, const char *format, ...)
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

API resty_ffi_runtime *resty_ffi_runtime_load(resty_ffi_loop *l, const char *lib, const char *cfg, size_t cfg_len,
                                              const resty_ffi_options *options, char *error, size_t error_size)
{
    char differs[RF_TEXT];
    if (options->size != sizeof *options)
        return refuse_load(
            error, error_size,
            "cannot load \"%s\": libresty_ffi.so is of another version than the program or Lua library that "
            "uses it",
            lib);
    resty_ffi_options o = *options;
    rf_options_complete(&o);
    rf_instance_sweep(l);
    if (l->closed)
        return refuse_load(error, error_size, "cannot load \"%s\": the worker is shutting down", lib);
    if (!*lib)
        return refuse_load(error, error_size, "cannot load a runtime without a library name");
    if (cfg && cfg_len >= RF_MAX_PAYLOAD)
        return refuse_load(error, error_size,
                           "cannot load \"%s\": the configuration is larger than the limit of 128 MB", lib);
    if (o.max_queue > RF_MAX_QUEUE)
        return refuse_load(error, error_size, "cannot load \"%s\": max_queue is %u, at most %u is possible", lib,
                           o.max_queue, RF_MAX_QUEUE);
    if (o.workers > RF_MAX_WORKERS)
        return refuse_load(error, error_size, "cannot load \"%s\": workers is %u, at most %u are possible", lib,
                           o.workers, RF_MAX_WORKERS);
    for (resty_ffi_runtime *rt = l->runtimes; rt; rt = rt->next) {
        if (!same_key(rt, lib, cfg, cfg_len))
            continue;
        if (rf_options_differ(&rt->options, options, differs, sizeof differs))
            return refuse_load(
                error, error_size,
                "cannot load \"%s\": it is loaded already with %s (library and configuration are the same): "
                "leave that option out, unload the runtime first, or give it another configuration",
                lib, differs);
        rt->handles++;
        return rt;
    }
    resty_ffi_runtime *rt = rf_runtime_new(l, lib, cfg, cfg_len, &o);
    if (!rt)
        return refuse_load(error, error_size, "cannot load \"%s\": no memory", lib);
    rt->transport = o.isolate ? l->host.transports->process : l->host.transports->thread;
    rt->next = l->runtimes;
    l->runtimes = rt;
    /* More than one worker needs processes; whether the library wants one shows when it is open. */
    rt->worker_count = o.isolate ? o.workers : 1;
    const char *why = rf_workers_start(rt);
    rt->handles = 1;
    if (why) {
        rf_runtime_fail(rt, why);
        resty_ffi_runtime_release(rt);
        return refuse_load(error, error_size, "cannot load \"%s\": %s", lib, why);
    }
    return rt;
}

API int resty_ffi_runtime_wait(resty_ffi_runtime *rt, int timeout_ms, char *error, size_t error_size)
{
    uint64_t start = rf_clock_now();
    while (rt->state == RF_LOADING) {
        uint64_t now = rf_clock_now(), waited = (now - start) / 1000000;
        if ((now - rt->since) / 1000000 >= rt->options.load_timeout_ms) {
            char text[256];
            snprintf(text, sizeof text,
                     "it has not finished starting within %u ms (load_timeout); look for a libffi_init that hangs",
                     rt->options.load_timeout_ms);
            rt->timed_out = true;
            rf_runtime_fail(rt, text);
            break;
        }
        rf_dispatch_wait(rt->workers, rt->worker_count, timeout_ms < 0 || timeout_ms > 100 ? 100 : timeout_ms);
        if (rt->state == RF_LOADING && timeout_ms >= 0 && waited >= (uint64_t)timeout_ms)
            return 0;
    }
    if (rt->state == RF_UP)
        return 1;
    snprintf(error, error_size, "cannot load \"%s\": %s", rt->lib, rt->error);
    return rt->timed_out ? -2 : -1;
}
