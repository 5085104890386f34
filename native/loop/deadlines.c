/* Deadlines that the core keeps itself; a caller that waits looks at the clock. */
#include <stdio.h>

#include "call.h"
#include "deadlines.h"
#include "instance.h"
#include "one_way.h"

static void end_late_stream(struct rf_call *c)
{
    char text[256];
    snprintf(text, sizeof text, "timeout: the stream of runtime \"%s\" did not end before its deadline",
             c->instance->name);
    resty_ffi_stream_fail(&c->public, RESTY_FFI_TIMEOUT, text);
}

bool rf_deadlines_look(resty_ffi_loop *l, uint64_t now)
{
    bool some = false;
    for (uint32_t k = 0; k < l->calls_used && l->in_flight; k++) {
        struct rf_call *c = l->calls[k];
        if (!c || c->public.state != RESTY_FFI_IN_FLIGHT || !c->deadline || !(c->stream || c->one_way))
            continue;
        if (now < c->deadline)
            some = true;
        else if (c->one_way)
            rf_one_way_late(c);
        else
            end_late_stream(c);
    }
    return some;
}
