#include "queue.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../channel/block.h"
#include "../channel/clock.h"
#include "../channel/export.h"
#include "../channel/replies.h"
#include "../channel/requests.h"

#define BATCH 64
#define SEND_WAIT_MS 10000
#define MARGIN_NS 2000000000u

static void to_frame(const struct rf_channel *c, const struct rf_slot *s, resty_ffi_frame *f)
{
    *f = (resty_ffi_frame){.id = s->id,
                           .kind = s->kind,
                           .flags = s->flags,
                           .status = s->status,
                           .data = s->data ? c->base + s->data : NULL,
                           .len = s->len,
                           .deadline = s->deadline,
                           .method = s->method,
                           .zone = s->zone,
                           .arg = s->arg};
}

static int take_slots(resty_ffi_queue *q, resty_ffi_frame *out, int max)
{
    struct rf_slot slots[BATCH];
    int n = rf_requests_take(&q->ch, slots, max < BATCH ? max : BATCH);
    for (int i = 0; i < n; i++)
        to_frame(&q->ch, &slots[i], &out[i]);
    return n;
}

static bool closed(resty_ffi_queue *q)
{
    return atomic_load_explicit(&q->ch.h->closed, memory_order_acquire) != 0;
}

static int wait_and_take(resty_ffi_queue *q, resty_ffi_frame *out, int max, int timeout_ms)
{
    uint64_t end = timeout_ms < 0 ? 0 : rf_clock_now() + (uint64_t)timeout_ms * 1000000;
    for (;;) {
        uint32_t ticket = rf_requests_doze(&q->ch);
        int n = take_slots(q, out, max);
        if (n > 0 || closed(q)) {
            rf_requests_doze_end(&q->ch, ticket);
            return n > 0 ? n : RESTY_FFI_UNLOADED;
        }
        int left = -1;
        if (timeout_ms >= 0) {
            uint64_t now = rf_clock_now();
            left = now >= end ? 0 : (int)((end - now + 999999) / 1000000);
        }
        if (left == 0 || rf_requests_sleep(&q->ch, ticket, left) == ETIMEDOUT) {
            rf_requests_doze_end(&q->ch, ticket);
            n = take_slots(q, out, max);
            if (n > 0 || timeout_ms >= 0)
                return n;
        } else if ((n = take_slots(q, out, max)) > 0) {
            return n;
        }
    }
}

static void mark_served(resty_ffi_queue *q)
{
    if (!atomic_load_explicit(&q->served, memory_order_relaxed))
        atomic_store(&q->served, true);
}

API int resty_ffi_poll(resty_ffi_queue *q, resty_ffi_frame *out, int max, int timeout_ms)
{
    if (max <= 0)
        return 0;
    if (rf_queue_ended(q))
        return RESTY_FFI_UNLOADED;
    int n = take_slots(q, out, max);
    if (n > 0)
        return n;
    mark_served(q);
    if (timeout_ms != 0)
        return wait_and_take(q, out, max, timeout_ms);
    rf_requests_arm(&q->ch);
    /*
     * Resetting the descriptor may have taken the wake-up of other threads that wait for it, so the frames that stay
     * behind cause another. The descriptor stays armed if anything was taken, since they may be waiting by now.
     */
    if ((n = take_slots(q, out, max)) > 0) {
        if (rf_requests_waiting(&q->ch))
            rf_requests_wake_one(&q->ch);
        return n;
    }
    if (!closed(q))
        return 0;
    rf_requests_wake_all(&q->ch);
    return RESTY_FFI_UNLOADED;
}

static uint64_t offset_of(const struct rf_channel *c, const void *data)
{
    uint64_t offset = (uint64_t)((uintptr_t)data - (uintptr_t)c->base);
    return data && offset >= c->at.memory && offset < c->at.memory_end ? offset : 0;
}

static uint64_t copy_in(const struct rf_channel *c, const void *data, uint64_t len)
{
    uint64_t block = len <= RF_MAX_PAYLOAD ? rf_block_take(c, len) : 0;
    if (block && len)
        memcpy(c->base + block, data, len);
    return block;
}

/* The frame's answer becomes this error. */
static void set_error(const struct rf_channel *c, struct rf_slot *s, int status, const char *text)
{
    s->status = status;
    /* The handler of a stream has not sent its end yet, and has to be told. */
    s->reserved = s->flags & RESTY_FFI_END ? 0 : RF_CUT_SHORT;
    s->flags = RESTY_FFI_END;
    s->len = strlen(text);
    s->data = copy_in(c, text, s->len);
    if (!s->data)
        s->len = 0;
}

static void to_slot(const struct rf_channel *c, const resty_ffi_frame *f, struct rf_slot *s)
{
    *s = (struct rf_slot){.id = f->id,
                          .kind = f->kind,
                          .flags = (uint16_t)(f->flags & (RESTY_FFI_END | RESTY_FFI_NIL)),
                          .status = f->status,
                          .deadline = f->deadline,
                          .method = f->method,
                          .zone = f->zone,
                          .arg = f->arg};
    bool empty = f->flags & RESTY_FFI_NIL || f->len == 0;
    if (f->flags & RESTY_FFI_COPY) {
        if (!empty && f->len > RF_MAX_PAYLOAD)
            set_error(c, s, RESTY_FFI_TOO_LARGE, "the answer is larger than the limit of 128 MB");
        else if (!empty && !(s->data = copy_in(c, f->data, f->len)))
            set_error(c, s, RESTY_FFI_QUEUE_FULL, "no payload memory is left for the answer");
        else if (!empty)
            s->len = f->len;
    } else if (empty) {
        rf_block_give(c, offset_of(c, f->data));
    } else if (!rf_block_valid(c, s->data = offset_of(c, f->data), f->len)) {
        rf_block_give(c, s->data); /* a block after all, if only the length is wrong */
        set_error(c, s, RESTY_FFI_BAD_ARGUMENT, "the SDK sent an answer that does not lie in the queue's memory");
    } else {
        s->len = f->len;
    }
    if (f->release)
        rf_block_give(c, offset_of(c, f->release));
}

API int resty_ffi_send(resty_ffi_queue *q, const resty_ffi_frame *in, int n)
{
    struct rf_slot slots[BATCH];
    if (rf_queue_ended(q))
        return RESTY_FFI_UNLOADED;
    for (int done = 0; done < n; done += BATCH) {
        int k = n - done < BATCH ? n - done : BATCH;
        for (int i = 0; i < k; i++)
            to_slot(&q->ch, &in[done + i], &slots[i]);
        rf_replies_send(&q->ch, slots, k, SEND_WAIT_MS);
    }
    return n;
}

API int resty_ffi_fd(resty_ffi_queue *q, int level)
{
    mark_served(q);
    atomic_store_explicit(&q->ch.level, level != 0, memory_order_relaxed);
    return q->ch.to_runtime;
}

API void *resty_ffi_alloc(resty_ffi_queue *q, size_t len)
{
    uint64_t block = len <= RF_MAX_PAYLOAD ? rf_block_take(&q->ch, len) : 0;
    return block ? q->ch.base + block : NULL;
}

API int resty_ffi_alloc_n(resty_ffi_queue *q, resty_ffi_frame *f, int n)
{
    int served = 0;
    for (int i = 0; i < n; i++)
        served += (f[i].data = resty_ffi_alloc(q, f[i].len)) != NULL;
    return served;
}

API void resty_ffi_free(resty_ffi_queue *q, void *data)
{
    if (data && !rf_block_give(&q->ch, offset_of(&q->ch, data)))
        rf_queue_log(q, RESTY_FFI_LOG_ERR, "resty_ffi_free: %p is not a payload in use", data);
}

API void *resty_ffi_memory(resty_ffi_queue *q, size_t *len)
{
    *len = q->ch.at.memory_end - q->ch.at.memory;
    return q->ch.base + q->ch.at.memory;
}

API const char *resty_ffi_method(resty_ffi_queue *q, uint32_t method, size_t *len)
{
    if (method >= atomic_load_explicit(&q->ch.h->methods, memory_order_acquire) || method >= RF_MAX_METHODS)
        return NULL;
    const char *name = q->ch.base + q->ch.at.method_names + (uint64_t)method * RF_METHOD_BYTES;
    if (len)
        *len = strnlen(name, RF_METHOD_BYTES);
    return name;
}

API const char *resty_ffi_config(resty_ffi_queue *q, size_t *len)
{
    const struct rf_header *h = q->ch.h;
    if (len)
        *len = h->has_config ? h->config_len : 0;
    return h->has_config ? q->ch.base + h->config : NULL;
}

API const char *resty_ffi_name(resty_ffi_queue *q)
{
    return q->ch.h->name;
}

API const char *resty_ffi_settings(resty_ffi_queue *q)
{
    return q->ch.h->settings ? q->ch.base + q->ch.h->settings : NULL;
}

API const char *resty_ffi_setting(resty_ffi_queue *q, const char *name)
{
    for (const char *at = resty_ffi_settings(q); at && *at; at += strlen(at) + 1) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0)
            return value;
        at = value;
    }
    return NULL;
}

API uint32_t resty_ffi_generation(resty_ffi_queue *q)
{
    return q->ch.h->generation;
}

API void resty_ffi_fail(resty_ffi_queue *q, const char *text, size_t len)
{
    q->owner->fail(q->owner_arg, text, len);
}

API void resty_ffi_ready(resty_ffi_queue *q)
{
    q->owner->ready(q->owner_arg);
}

/* The part of the time left in which the runtime can still log what it leaves undone. */
static uint64_t margin(uint64_t left)
{
    return left / 4 < MARGIN_NS ? left / 4 : MARGIN_NS;
}

API int resty_ffi_finish(resty_ffi_queue *q, int busy)
{
    if (rf_queue_ended(q) || !closed(q))
        return 0;
    atomic_store_explicit(&q->ch.h->finishing, busy != 0, memory_order_release);
    uint64_t now = rf_clock_now(), end = atomic_load_explicit(&q->ch.h->end_by, memory_order_relaxed);
    if (!busy || end <= now)
        return 0;
    uint64_t ms = (end - now - margin(end - now)) / 1000000;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

API void resty_ffi_close(resty_ffi_queue *q)
{
    if (!(atomic_fetch_or(&q->inside, RF_QUEUE_ENDED) & RF_QUEUE_ENDED))
        q->owner->closed(q->owner_arg);
}

bool rf_queue_enter(resty_ffi_queue *q)
{
    if (!(atomic_fetch_add(&q->inside, 1) & RF_QUEUE_ENDED))
        return true;
    rf_queue_leave(q);
    return false;
}

void rf_queue_leave(resty_ffi_queue *q)
{
    atomic_fetch_sub(&q->inside, 1);
}

bool rf_queue_left(resty_ffi_queue *q)
{
    uint32_t inside = 0;
    return atomic_compare_exchange_strong(&q->inside, &inside, RF_QUEUE_ENDED) || inside == RF_QUEUE_ENDED;
}

API int resty_ffi_abi(void)
{
    return RESTY_FFI_ABI;
}

void rf_queue_log(resty_ffi_queue *q, int level, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0)
        return;
    resty_ffi_frame f = {.kind = RESTY_FFI_LOG,
                         .flags = RESTY_FFI_COPY,
                         .status = level,
                         .data = text,
                         .len = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1};
    resty_ffi_send(q, &f, 1);
}
