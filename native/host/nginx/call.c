/* Calls in nginx: the semaphore that a caller waits on. */
#include "call.h"

#include "../../channel/export.h"
#include "nginx.h"
#include "resty_ffi.h"
#include "subsystem.h"

/*
 * A coroutine that was killed (its client went away, ngx.thread.kill) leaves its semaphore without telling anybody. A
 * waiting caller makes the semaphore's count -1; so a call in flight with a count of 0 has lost its caller.
 */
static bool lost(const struct rf_nginx_subsystem *s, const resty_ffi_call *call)
{
    return s->sema_count(call->user) >= 0;
}

void rf_nginx_call_tell(void *subsystem, resty_ffi_call *call)
{
    const struct rf_nginx_subsystem *s = subsystem;
    /* A killed caller takes no answer: its memory is freed at once instead of by Lua's collector. */
    if (lost(s, call))
        resty_ffi_call_release(call);
    else
        s->sema_post(call->user, 1);
}

void rf_nginx_call_look(const struct rf_nginx_subsystem *s, resty_ffi_call *call)
{
    if (lost(s, call))
        resty_ffi_call_cancel(call, RESTY_FFI_CANCELLED);
}

API resty_ffi_call *resty_ffi_nginx_call_new(int subsystem)
{
    const struct rf_nginx_subsystem *s = rf_nginx_subsystem(subsystem);
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
