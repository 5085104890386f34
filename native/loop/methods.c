/* Method names and their numbers: one table for each runtime, so that a frame carries four bytes instead of a string.
 */
#include "methods.h"

#include <stdlib.h>
#include <string.h>

#include "../channel/export.h"
#include "../channel/layout.h"
#include "runtime.h"

#define FEWEST 16u

static uint32_t hash(const char *name, size_t len)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t k = 0; k < len; k++)
        h = (h ^ (unsigned char)name[k]) * 16777619u;
    return h;
}

/* The bucket of this name, or the empty one for it. There are twice as many buckets as names. */
static uint32_t *find_bucket(const resty_ffi_runtime *rt, const char *name, size_t len)
{
    uint32_t buckets = 2 * rt->method_size, bucket = hash(name, len) % buckets;
    for (; rt->method_index[bucket]; bucket = (bucket + 1) % buckets) {
        const char *other = rt->methods[rt->method_index[bucket] - 1];
        if (strlen(other) == len && memcmp(other, name, len) == 0)
            break;
    }
    return &rt->method_index[bucket];
}

/* Most runtimes serve a few methods. */
static bool grow_table(resty_ffi_runtime *rt)
{
    uint32_t size = rt->method_size ? 2 * rt->method_size : FEWEST;
    char **names = realloc(rt->methods, size * sizeof *names);
    if (names)
        rt->methods = names;
    resty_ffi_method_stats *stats = realloc(rt->method_stats, size * sizeof *stats);
    if (stats)
        rt->method_stats = stats;
    uint32_t *index = calloc(2 * size, sizeof *index);
    if (!names || !stats || !index) {
        free(index);
        return false;
    }
    free(rt->method_index);
    rt->method_index = index;
    rt->method_size = size;
    for (uint32_t k = 0; k < rt->method_count; k++)
        *find_bucket(rt, rt->methods[k], strlen(rt->methods[k])) = k + 1;
    return true;
}

void rf_methods_free(resty_ffi_runtime *rt)
{
    for (uint32_t k = 0; k < rt->method_count; k++)
        free(rt->methods[k]);
    free(rt->methods);
    free(rt->method_stats);
    free(rt->method_index);
    rt->methods = NULL;
    rt->method_stats = NULL;
    rt->method_index = NULL;
    rt->method_count = rt->method_size = 0;
}

API int resty_ffi_runtime_method(resty_ffi_runtime *rt, const char *name, size_t len)
{
    if (len == 0 || len >= RF_METHOD_BYTES || memchr(name, 0, len))
        return RESTY_FFI_BAD_ARGUMENT;
    if (rt->state == RF_FAILED || rt->state == RF_UNLOADED)
        return 0; /* any number will do: no call is sent */
    if (!rt->method_size && !grow_table(rt))
        return RESTY_FFI_QUEUE_FULL;
    uint32_t *bucket = find_bucket(rt, name, len);
    if (*bucket)
        return (int)(*bucket - 1);
    /* Names from untrusted input would otherwise fill the table of a worker that runs for months. */
    if (rt->method_count == RF_MAX_METHODS)
        return RESTY_FFI_NO_METHOD;
    if (rt->method_count == rt->method_size) {
        if (!grow_table(rt))
            return RESTY_FFI_QUEUE_FULL;
        bucket = find_bucket(rt, name, len);
    }
    char *copy = malloc(len + 1);
    if (!copy)
        return RESTY_FFI_QUEUE_FULL;
    memcpy(copy, name, len);
    copy[len] = 0;
    rt->methods[rt->method_count] = copy;
    memset(&rt->method_stats[rt->method_count], 0, sizeof *rt->method_stats);
    *bucket = rt->method_count + 1;
    return (int)rt->method_count++;
}

API const char *resty_ffi_runtime_method_stats(const resty_ffi_runtime *rt, uint32_t method,
                                               resty_ffi_method_stats *out)
{
    if (method >= rt->method_count)
        return NULL;
    *out = rt->method_stats[method];
    return rt->methods[method];
}
