/*
 * One-way calls: no caller waits for them, so they work where waiting is impossible. The core owns them, keeps their
 * deadlines and logs their failures.
 */
#include "one_way.h"

#include <stdio.h>
#include <string.h>

#include "../channel/export.h"
#include "../channel/layout.h"
#include "call.h"
#include "instance.h"
#include "logging.h"
#include "runtime.h"

#define LONGEST 1000 /* of a handler's message in the log */

static void forget_call(struct rf_instance *i, struct rf_call *c)
{
    i->one_way--;
    i->loop->one_way--;
    resty_ffi_call_free(&c->public);
}

static void log_failure(struct rf_call *c, int status)
{
    const resty_ffi_runtime *rt = c->instance->rt;
    char line[LONGEST + 256];
    int len = snprintf(line, sizeof line, "the one-way call%s%s%s failed (code %d): %.*s", rt ? " of \"" : "",
                       rt ? rt->methods[c->method] : "", rt ? "\"" : "", status,
                       (int)(c->public.len < LONGEST ? c->public.len : LONGEST), c->public.data);
    rf_logging_failure(c->instance, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

static void end_late_call(struct rf_call *c)
{
    char text[256];
    snprintf(text, sizeof text, "timeout: runtime \"%s\" did not answer in time", c->instance->name);
    rf_call_tell_cancelled(c, RESTY_FFI_TIMEOUT);
    rf_call_fail(c, RESTY_FFI_TIMEOUT, text);
}

static const struct rf_call_kind one_way = {.message = rf_call_answer,
                                            .ended = rf_call_fail,
                                            .done = forget_call,
                                            .failed = log_failure,
                                            .late = end_late_call,
                                            .control = 1,
                                            .unawaited = true};

API int resty_ffi_runtime_send(resty_ffi_runtime *rt, uint32_t method, const char *data, uint64_t len,
                               uint64_t timeout_ms)
{
    resty_ffi_loop *l = rt->loop;
    struct rf_slot s = {.flags = RESTY_FFI_END, .method = method};
    resty_ffi_call *call = resty_ffi_call_new(l);
    if (!call)
        return RESTY_FFI_QUEUE_FULL;
    struct rf_call *c = rf_call_of(call);
    int rc = rf_call_start(rt, c, &one_way, &s, data, len, timeout_ms);
    if (rc != 0) {
        resty_ffi_call_free(call);
        return rc;
    }
    c->instance->one_way++;
    l->one_way++;
    l->host.tick(l->host.host);
    return 0;
}

void rf_one_way_give_up(resty_ffi_loop *l)
{
    for (uint32_t k = 0; k < l->calls_used && l->one_way; k++) {
        struct rf_call *c = l->calls[k];
        if (c && c->kind == &one_way && c->public.state == RESTY_FFI_IN_FLIGHT) {
            rf_call_tell_cancelled(c, RESTY_FFI_CANCELLED);
            rf_call_fail(c, RESTY_FFI_UNLOADED, "unloaded: it was not answered in the time that the host's end has");
        }
    }
}
