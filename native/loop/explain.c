/* The sentences that go with the codes of refused calls. */
#include <stdio.h>

#include "../channel/export.h"
#include "../channel/layout.h"
#include "runtime.h"

API const char *resty_ffi_runtime_explain(resty_ffi_runtime *rt, int status)
{
    char *out = rt->explained;
    size_t size = sizeof rt->explained;
    switch (status) {
    case RESTY_FFI_TIMEOUT:
        snprintf(out, size, "timeout: runtime \"%s\" did not answer in time", rt->name);
        break;
    case RESTY_FFI_CANCELLED:
        snprintf(out, size, "cancelled: the caller of runtime \"%s\" went away", rt->name);
        break;
    case RESTY_FFI_QUEUE_FULL:
        snprintf(out, size,
                 "queue full: runtime \"%s\" has %u calls waiting (max_queue), or its payload memory is used up",
                 rt->name, rt->options.max_queue);
        break;
    case RESTY_FFI_TOO_LARGE:
        snprintf(out, size, "too large: runtime \"%s\" takes payloads up to %llu bytes", rt->name,
                 (unsigned long long)RF_MAX_PAYLOAD);
        break;
    case RESTY_FFI_EXITED:
        snprintf(out, size, "runtime \"%s\" exited (%s) and is not running", rt->name, rt->error);
        break;
    case RESTY_FFI_UNLOADED:
        snprintf(out, size, "unloaded: runtime \"%s\" was unloaded; load it again with ngx.load_ffi", rt->name);
        break;
    default:
        snprintf(out, size, "runtime \"%s\" refused the call (code %d)", rt->name, status);
    }
    return out;
}
