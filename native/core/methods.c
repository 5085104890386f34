/* Method names and their numbers: one table for each runtime, so that a frame carries four bytes instead of a string.
 */
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "loop.h"

#define BUCKETS (2 * RF_MAX_METHODS)

static uint32_t hash(const char *name, size_t len)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t k = 0; k < len; k++)
        h = (h ^ (unsigned char)name[k]) * 16777619u;
    return h;
}

API int resty_ffi_runtime_method(resty_ffi_runtime *rt, const char *name, size_t len)
{
    if (len == 0 || len >= RF_METHOD_BYTES || memchr(name, 0, len))
        return RESTY_FFI_BAD_ARGUMENT;
    if (!rt->method_index) {
        rt->method_index = calloc(BUCKETS, sizeof *rt->method_index);
        rt->methods = calloc(RF_MAX_METHODS, sizeof *rt->methods);
        if (!rt->method_index || !rt->methods) {
            free(rt->method_index);
            free(rt->methods);
            rt->method_index = NULL;
            rt->methods = NULL;
            return RESTY_FFI_QUEUE_FULL;
        }
    }
    uint32_t bucket = hash(name, len) % BUCKETS;
    while (rt->method_index[bucket]) {
        uint32_t number = rt->method_index[bucket] - 1;
        if (strlen(rt->methods[number]) == len && memcmp(rt->methods[number], name, len) == 0)
            return (int)number;
        bucket = (bucket + 1) % BUCKETS;
    }
    /* Names from untrusted input would otherwise fill the table of a worker that runs for months. */
    if (rt->method_count == RF_MAX_METHODS)
        return RESTY_FFI_NO_METHOD;
    char *copy = malloc(len + 1);
    if (!copy)
        return RESTY_FFI_QUEUE_FULL;
    memcpy(copy, name, len);
    copy[len] = 0;
    rt->methods[rt->method_count] = copy;
    rt->method_index[bucket] = rt->method_count + 1;
    return (int)rt->method_count++;
}
