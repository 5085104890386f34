/*
 * The version-2 functions of resty_ffi.h in the form that is cheapest for cgo: scalars and addresses, one crossing for
 * each frame, and no struct with pointers, in which cgo would look for Go pointers.
 */
#ifndef RESTYFFI_BRIDGE_H
#define RESTYFFI_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "resty_ffi.h"

/* Weak, so that a program without a host, such as the tests of a library's handlers, links and starts. */
#pragma weak resty_ffi_poll
#pragma weak resty_ffi_send
#pragma weak resty_ffi_fd
#pragma weak resty_ffi_alloc
#pragma weak resty_ffi_free
#pragma weak resty_ffi_method
#pragma weak resty_ffi_config
#pragma weak resty_ffi_name
#pragma weak resty_ffi_fail
#pragma weak resty_ffi_finish
#pragma weak resty_ffi_close
#pragma weak resty_ffi_abi

/* resty_ffi_frame with addresses as numbers: the garbage collector must not follow addresses of the host's memory. */
typedef struct restyffi_frame {
    uint64_t id;
    uint16_t kind;
    uint16_t flags;
    int32_t status;
    uintptr_t data;
    uint64_t len;
    uint64_t deadline;
    uint32_t method;
    uint32_t zone;
    uint64_t arg;
    uintptr_t release;
} restyffi_frame;

_Static_assert(sizeof(restyffi_frame) == sizeof(resty_ffi_frame), "restyffi_frame differs from resty_ffi_frame");
_Static_assert(offsetof(restyffi_frame, release) == offsetof(resty_ffi_frame, release), "see above");

static inline int restyffi_has_host(void)
{
    return resty_ffi_poll != NULL;
}

static inline int restyffi_poll(uintptr_t queue, restyffi_frame *out, int max)
{
    return resty_ffi_poll((resty_ffi_queue *)queue, (resty_ffi_frame *)(void *)out, max, 0);
}

static inline void restyffi_send(uintptr_t queue, const restyffi_frame *frames, int n)
{
    resty_ffi_send((resty_ffi_queue *)queue, (const resty_ffi_frame *)(const void *)frames, n);
}

/* Sends one frame with a copy of Go's memory. */
static inline void restyffi_send_copy(uintptr_t queue, const restyffi_frame *frame, const char *data)
{
    restyffi_frame f = *frame;
    f.flags |= RESTY_FFI_COPY;
    f.data = (uintptr_t)data;
    restyffi_send(queue, &f, 1);
}

/* Sends a copy of one message of a stream; false if there is no memory for it. */
static inline bool restyffi_send_message(uintptr_t queue, uint64_t id, const char *data, uint64_t len)
{
    resty_ffi_frame f = {.id = id, .kind = RESTY_FFI_DATA, .len = len};
    if (len > 0) {
        f.data = resty_ffi_alloc((resty_ffi_queue *)queue, len);
        if (!f.data)
            return false;
        memcpy(f.data, data, len);
    }
    resty_ffi_send((resty_ffi_queue *)queue, &f, 1);
    return true;
}

/* Gives back a part of the window of a stream, and the memory of a message. */
static inline void restyffi_window(uintptr_t queue, uint64_t id, uint64_t bytes, uintptr_t release)
{
    resty_ffi_frame f = {
        .id = id, .kind = RESTY_FFI_WINDOW, .flags = RESTY_FFI_NIL, .arg = bytes, .release = (void *)release};
    resty_ffi_send((resty_ffi_queue *)queue, &f, 1);
}

/* Says whether there is work to finish at the end; returns the milliseconds for it. */
static inline int restyffi_finish(uintptr_t queue, bool busy)
{
    return resty_ffi_finish((resty_ffi_queue *)queue, busy);
}

static inline uintptr_t restyffi_alloc(uintptr_t queue, size_t len)
{
    return (uintptr_t)resty_ffi_alloc((resty_ffi_queue *)queue, len);
}

static inline void restyffi_log(uintptr_t queue, int32_t level, const char *text, uint64_t len)
{
    resty_ffi_frame f = {
        .kind = RESTY_FFI_LOG, .flags = RESTY_FFI_COPY, .status = level, .data = (void *)text, .len = len};
    resty_ffi_send((resty_ffi_queue *)queue, &f, 1);
}

/* data: the name of the dict (zone_len bytes), the key (key_len bytes), then the value. */
static inline void restyffi_dict(uintptr_t queue, uint64_t id, uint32_t operation, const char *data, uint64_t len,
                                 uint32_t zone_len, uint64_t key_len, uint64_t ttl_ms)
{
    resty_ffi_frame f = {.id = id,
                         .kind = RESTY_FFI_DICT,
                         .flags = RESTY_FFI_COPY,
                         .data = (void *)data,
                         .len = len,
                         .deadline = ttl_ms,
                         .method = operation,
                         .zone = zone_len,
                         .arg = key_len};
    resty_ffi_send((resty_ffi_queue *)queue, &f, 1);
}

static inline void restyffi_free(uintptr_t queue, uintptr_t data)
{
    resty_ffi_free((resty_ffi_queue *)queue, (void *)data);
}

static inline int restyffi_fd(uintptr_t queue)
{
    return resty_ffi_fd((resty_ffi_queue *)queue, 0);
}

static inline const char *restyffi_method(uintptr_t queue, uint32_t method, size_t *len)
{
    return resty_ffi_method((resty_ffi_queue *)queue, method, len);
}

static inline const char *restyffi_config(uintptr_t queue, size_t *len)
{
    return resty_ffi_config((resty_ffi_queue *)queue, len);
}

static inline const char *restyffi_name(uintptr_t queue)
{
    return resty_ffi_name((resty_ffi_queue *)queue);
}

static inline void restyffi_fail(uintptr_t queue, const char *text, size_t len)
{
    resty_ffi_fail((resty_ffi_queue *)queue, text, len);
}

static inline void restyffi_close(uintptr_t queue)
{
    resty_ffi_close((resty_ffi_queue *)queue);
}

static inline int64_t restyffi_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* 16 bytes, as in the kernel. */
typedef struct restyffi_thread_name {
    char text[16];
} restyffi_thread_name;

/* Hidden, because another Go library in the same process has functions with the same names. */
#pragma GCC visibility push(hidden)

/* Names the calling thread ffi-go, which the threads that it starts inherit; returns its former name. */
restyffi_thread_name restyffi_name_thread(void);
void restyffi_rename_thread(restyffi_thread_name name);

#pragma GCC visibility pop

#endif
