/* What Lua calls: the start and the end of the host in a worker, and what puts calls in flight. */
#include "nginx.h"

#include <unistd.h>

#include "../../channel/export.h"
#include "../../transport/transports.h"
#include "call.h"
#include "children.h"
#include "descriptors.h"
#include "dict.h"
#include "event.h"
#include "exits.h"
#include "log.h"
#include "nginx_abi.h"
#include "shutdown.h"
#include "stream.h"
#include "subsystem.h"
#include "sweep.h"

static pid_t owner; /* the worker that initialised; its forks do not count */

static const char *refusal(void)
{
    if (!ngx_event_actions || !&ngx_cycle || !&ngx_event_flags || !ngx_get_connection || !ngx_free_connection)
        return "this process is not nginx, or an nginx linked without its symbols (-Wl,-E)";
    if (owner && owner != getpid())
        return "this process was forked after resty-ffi was initialised; load runtimes in the worker";
    if (!ngx_event_actions[0])
        return "nginx is not serving yet, runtimes do not survive its fork: load them in init_worker_by_lua or later, "
               "not in init_by_lua";
    if (!(ngx_event_flags & NGX_USE_EPOLL_EVENT))
        return "nginx does not use epoll: remove \"use ...\" from its events block";
    return NULL;
}

API const char *resty_ffi_nginx_init(int subsystem)
{
    struct rf_nginx_subsystem *s = rf_nginx_subsystem(subsystem);
    const char *error = refusal();
    if (error)
        return error;
    if (s->loop)
        return NULL;
    if (!rf_nginx_subsystem_find(subsystem))
        return "ngx_lua is too old: version 0.10.13 or newer is needed, of its stream module 0.0.6";
    owner = getpid();
    rf_nginx_shutdown_note_timeout();
    rf_nginx_children_own();
    rf_nginx_descriptors_own();
    rf_nginx_exits_own(s);
    if ((error = rf_nginx_event_begin()) || (error = rf_nginx_sweep_prepare()))
        return error;
    struct resty_ffi_host host = {
        .watch = rf_nginx_event_watch,
        .unwatch = rf_nginx_event_unwatch,
        .done = rf_nginx_call_tell,
        .stream = rf_nginx_stream_tell,
        .log = rf_nginx_log,
        .dict = rf_nginx_dict_serve,
        .tick = rf_nginx_sweep_begin,
        .hurry = rf_nginx_shutdown_hurry,
        .host = s,
        .transports = &rf_transports,
    };
    s->loop = resty_ffi_loop_new(&host);
    return s->loop ? NULL : "no memory";
}

API resty_ffi_loop *resty_ffi_nginx_loop(int subsystem)
{
    return rf_nginx_subsystem(subsystem)->loop;
}

/* Lua calls this for each call that it then waits for. */
API int resty_ffi_nginx_submit(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data,
                               uint64_t len, uint64_t timeout_ms)
{
    int rc = resty_ffi_call_submit(rt, call, method, data, len, timeout_ms);
    if (rc == 0)
        rf_nginx_sweep_begin(NULL);
    return rc;
}

API int resty_ffi_nginx_stream_open(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data,
                                    uint64_t len, int end, uint64_t timeout_ms)
{
    int rc = resty_ffi_stream_open(rt, call, method, data, len, end != 0, timeout_ms);
    if (rc == 0)
        rf_nginx_sweep_begin(NULL);
    return rc;
}

API void resty_ffi_nginx_exit(void)
{
    /* The master closes its VM too, and with lua_code_cache off every request has its own VM. */
    if (!owner || owner != getpid() || ngx_cycle->pool)
        return;
    for (int k = 0; k < 2; k++)
        if (rf_nginx_subsystem(k)->loop)
            resty_ffi_loop_close(rf_nginx_subsystem(k)->loop, rf_nginx_shutdown_time());
    rf_nginx_exits_bound();
}
