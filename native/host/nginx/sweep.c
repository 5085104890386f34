/* The timer of a worker: finds killed callers, and ticks the loops. */
#include "sweep.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../../channel/failed.h"
#include "call.h"
#include "event.h"
#include "shutdown.h"
#include "stream.h"
#include "subsystem.h"

/* How soon a handler learns of the end of its caller. */
#define SWEEP_NS 50000000

static int sweep_fd = -1; /* timerfd, runs only while calls are in flight */
static bool sweeping;

static void look_for_waiter(void *arg, resty_ffi_call *call)
{
    if (call->stream)
        rf_nginx_stream_look(arg, call);
    else
        rf_nginx_call_look(arg, call);
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
        struct rf_nginx_subsystem *s = rf_nginx_subsystem(k);
        if (!s->loop)
            continue;
        resty_ffi_loop_each_call(s->loop, look_for_waiter, s);
        rf_nginx_shutdown_end_calls(s);
        more |= resty_ffi_loop_tick(s->loop);
        more |= resty_ffi_loop_in_flight(s->loop) > 0;
    }
    if (!more)
        set_sweep(false);
}

void rf_nginx_sweep_begin(void *subsystem)
{
    (void)subsystem;
    if (!sweeping)
        set_sweep(true);
}

const char *rf_nginx_sweep_prepare(void)
{
    static char why[256];
    void *handle;
    if (sweep_fd >= 0)
        return NULL;
    sweep_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (sweep_fd < 0)
        return rf_failed(why, sizeof why, "timerfd_create", errno);
    return rf_nginx_event_watch(NULL, sweep_fd, on_sweep, NULL, &handle);
}
