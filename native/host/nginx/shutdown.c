/* The end of a worker that exits gracefully: worker_shutdown_timeout. */
#include "shutdown.h"

#include <limits.h>
#include <time.h>

#include "nginx_abi.h"
#include "resty_ffi.h"
#include "subsystem.h"

#define FAST_MS 1000 /* the master kills a worker that takes longer than 1.5 s for a fast stop */

static uint64_t timeout; /* the worker_shutdown_timeout in ms, 0 = none */

/*
 * The first fields of the struct that holds "daemon" to "worker_processes" are the same in every nginx since 1.11.11;
 * implausible values mean that this nginx differs. A worker at its end has no configuration any more.
 */
void rf_nginx_shutdown_note_timeout(void)
{
    if (!&ngx_core_module || ngx_core_module.index > 4096 || !ngx_cycle->conf_ctx)
        return;
    const struct ngx_core_conf_prefix *conf = ngx_cycle->conf_ctx[ngx_core_module.index];
    bool known =
        conf && !((conf->daemon | conf->master) >> 1) && conf->worker_processes >= 1 && conf->worker_processes <= 65536;
    timeout = known ? conf->shutdown_timeout : 0;
}

/*
 * nginx closes its connections when the time is over. A call in a timer has no connection, so the worker would wait for
 * the call. The time counts from the first look at an exiting worker, which comes within 50 ms if calls are in flight.
 */
static uint64_t time_left(void)
{
    static uint64_t end; /* ms; 0 = not exiting yet, UINT64_MAX = there is no limit */
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t now = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    if (end == 0) {
        rf_nginx_shutdown_note_timeout();
        end = timeout ? now + timeout : UINT64_MAX;
    }
    return now < end ? end - now : 0;
}

bool rf_nginx_shutdown_hurry(void *subsystem)
{
    (void)subsystem;
    return &ngx_terminate && ngx_terminate;
}

int rf_nginx_shutdown_time(void)
{
    if (rf_nginx_shutdown_hurry(NULL))
        return FAST_MS;
    uint64_t left = time_left();
    return left < FAST_MS ? FAST_MS : left < INT_MAX ? (int)left : INT_MAX;
}

static void end_call(void *subsystem, resty_ffi_call *call)
{
    static const char text[] = "cancelled: the worker is exiting, and its worker_shutdown_timeout is over";
    const struct rf_nginx_subsystem *s = subsystem;
    if (call->stream) {
        resty_ffi_stream_fail(call, RESTY_FFI_CANCELLED, text);
    } else {
        resty_ffi_call_cancel(call, RESTY_FFI_CANCELLED);
        s->sema_post(call->user, 1); /* call.lua sees that there is no answer */
    }
}

void rf_nginx_shutdown_end_calls(const struct rf_nginx_subsystem *s)
{
    if (&ngx_exiting && ngx_exiting && time_left() == 0)
        resty_ffi_loop_each_call(s->loop, end_call, (void *)(uintptr_t)s);
}
