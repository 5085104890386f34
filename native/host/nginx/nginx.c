#include "nginx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../../channel/export.h"
#include "../../channel/failed.h"
#include "../../transport/transports.h"
#include "event.h"
#include "nginx_abi.h"
#include "resty_ffi.h"

/* How soon a handler learns that its caller was aborted. */
#define SWEEP_NS 50000000

static struct rf_nginx_subsystem subsystems[2];
static pid_t owner;       /* the worker that initialised; a fork of it is none */
static int sweep_fd = -1; /* timerfd, runs only while calls are in flight */
static bool sweeping;

/*
 * A coroutine that was killed (its client went away, ngx.thread.kill) leaves its semaphore without telling anybody. A
 * waiting caller makes the semaphore's count -1; so a call in flight with a count of 0 has lost its caller.
 */
static bool lost(const struct rf_nginx_subsystem *s, const resty_ffi_call *call)
{
    return s->sema_count(call->user) >= 0;
}

static void on_done(void *host, resty_ffi_call *call)
{
    const struct rf_nginx_subsystem *s = host;
    /* A caller that was killed meanwhile takes no answer; its memory does not wait for Lua's collector. */
    if (lost(s, call))
        resty_ffi_call_release(call);
    else
        s->sema_post(call->user, 1);
}

static void look_for_waiter(void *arg, resty_ffi_call *call)
{
    if (call->stream)
        rf_nginx_look_at_stream(arg, call);
    else if (lost(arg, call))
        resty_ffi_call_cancel(call, RESTY_FFI_CANCELLED);
}

static void set_sweep(bool on)
{
    struct itimerspec t = {.it_value = {0, on ? SWEEP_NS : 0}, .it_interval = {0, on ? SWEEP_NS : 0}};
    timerfd_settime(sweep_fd, 0, &t, NULL);
    sweeping = on;
}

static void on_sweep(void *arg)
{
    (void)arg;
    uint64_t times;
    bool more = false;
    (void)!read(sweep_fd, &times, sizeof times);
    for (int k = 0; k < 2; k++) {
        struct rf_nginx_subsystem *s = &subsystems[k];
        if (!s->loop)
            continue;
        resty_ffi_loop_each_call(s->loop, look_for_waiter, s);
        rf_nginx_end_late_calls(s);
        more |= resty_ffi_loop_tick(s->loop);
        more |= resty_ffi_loop_in_flight(s->loop) > 0;
    }
    if (!more)
        set_sweep(false);
}

void rf_nginx_begin_sweep(void)
{
    if (!sweeping)
        set_sweep(true);
}

static void on_tick(void *host)
{
    (void)host;
    rf_nginx_begin_sweep();
}

static const char *begin_sweep(void)
{
    static char why[256];
    void *handle;
    if (sweep_fd >= 0)
        return NULL;
    sweep_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (sweep_fd < 0)
        return rf_failed(why, sizeof why, "timerfd_create", errno);
    return rf_nginx_watch(NULL, sweep_fd, on_sweep, NULL, &handle);
}

static void fill_subsystem(struct rf_nginx_subsystem *s, int number)
{
    if (number == 0)
        *s = (struct rf_nginx_subsystem){"http",
                                         ngx_http_lua_ffi_sema_new,
                                         ngx_http_lua_ffi_sema_post,
                                         ngx_http_lua_ffi_sema_count,
                                         ngx_http_lua_ffi_sema_gc,
                                         ngx_http_lua_ffi_raw_log,
                                         ngx_http_lua_ffi_shdict_udata_to_zone,
                                         ngx_http_lua_ffi_shdict_get,
                                         ngx_http_lua_ffi_shdict_store,
                                         ngx_http_lua_ffi_shdict_incr,
                                         ngx_http_cleanup_add,
                                         NULL};
    else
        *s = (struct rf_nginx_subsystem){"stream",
                                         ngx_stream_lua_ffi_sema_new,
                                         ngx_stream_lua_ffi_sema_post,
                                         ngx_stream_lua_ffi_sema_count,
                                         ngx_stream_lua_ffi_sema_gc,
                                         ngx_stream_lua_ffi_raw_log,
                                         ngx_stream_lua_ffi_shdict_udata_to_zone,
                                         ngx_stream_lua_ffi_shdict_get,
                                         ngx_stream_lua_ffi_shdict_store,
                                         ngx_stream_lua_ffi_shdict_incr,
                                         ngx_stream_lua_cleanup_add,
                                         NULL};
}

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
    struct rf_nginx_subsystem *s = &subsystems[subsystem != 0];
    const char *error = refusal();
    if (error)
        return error;
    if (s->loop)
        return NULL;
    fill_subsystem(s, subsystem);
    if (!s->sema_new || !s->sema_post || !s->sema_count || !s->sema_gc || !s->raw_log)
        return "ngx_lua is too old: version 0.10.13 or newer is needed, of its stream module 0.0.6";
    owner = getpid();
    rf_nginx_note_shutdown_timeout();
    rf_nginx_own_children();
    rf_nginx_own_descriptors();
    rf_nginx_own_exits(s);
    if ((error = rf_nginx_begin_watching()) || (error = begin_sweep()))
        return error;
    struct resty_ffi_host host = {
        .watch = rf_nginx_watch,
        .unwatch = rf_nginx_unwatch,
        .done = on_done,
        .stream = rf_nginx_on_stream,
        .log = rf_nginx_log,
        .dict = rf_nginx_dict,
        .tick = on_tick,
        .hurry = rf_nginx_hurry,
        .host = s,
        .transports = &rf_transports,
    };
    s->loop = resty_ffi_loop_new(&host);
    return s->loop ? NULL : "no memory";
}

const struct rf_nginx_subsystem *rf_nginx_subsystem(int number)
{
    return &subsystems[number != 0];
}

API resty_ffi_loop *resty_ffi_nginx_loop(int subsystem)
{
    return subsystems[subsystem != 0].loop;
}

API resty_ffi_call *resty_ffi_nginx_call_new(int subsystem)
{
    const struct rf_nginx_subsystem *s = &subsystems[subsystem != 0];
    resty_ffi_call *call = resty_ffi_call_new(s->loop);
    char *error;
    if (call && s->sema_new(&call->user, 0, &error) != 0) {
        resty_ffi_call_free(call);
        call = NULL;
    }
    return call;
}

API void resty_ffi_nginx_call_free(resty_ffi_call *call)
{
    const struct rf_nginx_subsystem *s = resty_ffi_call_host(call);
    void *sem = call->user;
    resty_ffi_call_free(call);
    s->sema_gc(sem);
}

/* Called by Lua with each call that it waits for. */
API int resty_ffi_nginx_submit(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data,
                               uint64_t len, uint64_t timeout_ms)
{
    int rc = resty_ffi_call_submit(rt, call, method, data, len, timeout_ms);
    if (rc == 0)
        rf_nginx_begin_sweep();
    return rc;
}

API void resty_ffi_nginx_exit(void)
{
    /* The master closes its VM too; and with lua_code_cache off every request has a VM of its own. */
    if (!owner || owner != getpid() || ngx_cycle->pool)
        return;
    for (int k = 0; k < 2; k++)
        if (subsystems[k].loop)
            resty_ffi_loop_close(subsystems[k].loop, rf_nginx_time_to_end());
    rf_nginx_bound_exit();
}
