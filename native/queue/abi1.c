/*
 * Version 1: the three functions of lua-resty-ffi, on top of version 2. The record of a task outlives its answer.
 * Records are reused in the order of their answers, and only when RESTING others have been answered since: so a second
 * answer of the same task finds an answered record and is refused. Records are freed with the queue.
 */
#include "abi1.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../channel/export.h"
#include "../channel/lock.h"
#include "queue.h"

#define RESTING 1024

#pragma weak malloc_usable_size /* so that a libc without it still loads the library */

struct task {
    resty_ffi_queue *q;
    resty_ffi_frame call;
    _Atomic bool answered;
    struct task *next; /* while resting */
};

struct rf_abi1 {
    rf_lock lock;
    struct task *oldest, *newest; /* answered, waiting to be reused */
    int resting;
};

static struct rf_abi1 *state(resty_ffi_queue *q)
{
    struct rf_abi1 *a = atomic_load(&q->abi1), *none = NULL;
    if (a || !(a = calloc(1, sizeof *a)))
        return a;
    if (atomic_compare_exchange_strong(&q->abi1, &none, a))
        return a;
    free(a);
    return none;
}

static struct task *new_task(resty_ffi_queue *q)
{
    struct rf_abi1 *a = state(q);
    struct task *t = NULL;
    if (!a)
        return NULL;
    rf_lock_acquire(&a->lock);
    if (a->resting > RESTING) {
        t = a->oldest;
        a->oldest = t->next;
        a->resting--;
    }
    rf_lock_release(&a->lock);
    return t ? t : malloc(sizeof *t);
}

static void rest(struct rf_abi1 *a, struct task *t)
{
    rf_lock_acquire(&a->lock);
    t->next = NULL;
    if (a->resting++)
        a->newest->next = t;
    else
        a->oldest = t;
    a->newest = t;
    rf_lock_release(&a->lock);
}

void rf_abi1_free(struct rf_abi1 *a)
{
    while (a && a->oldest) {
        struct task *t = a->oldest;
        a->oldest = t->next;
        free(t);
    }
    free(a);
}

static void answer(resty_ffi_queue *q, resty_ffi_frame *call, int rc, const void *data, uint64_t len)
{
    resty_ffi_frame f = {.id = call->id,
                         .kind = RESTY_FFI_DATA,
                         .flags = RESTY_FFI_END | RESTY_FFI_COPY | (data ? 0 : RESTY_FFI_NIL),
                         .status = rc,
                         .data = (void *)data,
                         .len = len,
                         .release = call->data};
    resty_ffi_send(q, &f, 1);
}

API void *ngx_http_lua_ffi_task_poll(void *tq)
{
    static const char no_stream[] = "this runtime takes no streams", no_memory[] = "no memory for the task";
    resty_ffi_queue *q = tq;
    resty_ffi_frame f;
    if (!rf_queue_enter(q))
        return NULL;
    state(q); /* tells the host that this runtime will not call resty_ffi_close */
    while (resty_ffi_poll(q, &f, 1, -1) > 0) {
        if (f.kind != RESTY_FFI_CALL) { /* version 1 has no cancellation: the answer comes late and is dropped */
            resty_ffi_free(q, f.data);
            continue;
        }
        struct task *t = f.flags & RESTY_FFI_END ? new_task(q) : NULL;
        if (t) {
            t->q = q;
            t->call = f;
            atomic_store_explicit(&t->answered, false, memory_order_release);
            rf_queue_leave(q);
            return t;
        }
        if (f.flags & RESTY_FFI_END)
            answer(q, &f, RESTY_FFI_QUEUE_FULL, no_memory, sizeof no_memory - 1);
        else
            answer(q, &f, RESTY_FFI_NO_METHOD, no_stream, sizeof no_stream - 1);
    }
    rf_queue_leave(q);
    return NULL;
}

API char *ngx_http_lua_ffi_get_req(void *tsk, int *len)
{
    struct task *t = tsk;
    bool nil = t->call.flags & RESTY_FFI_NIL;
    if (len)
        *len = nil || t->call.len > INT_MAX ? 0 : (int)t->call.len;
    return nil ? NULL : t->call.data;
}

/* The length of an answer given without one: a C string, bounded by its block in case the NUL is missing. */
static size_t text_length(char *rsp)
{
    return malloc_usable_size ? strnlen(rsp, malloc_usable_size(rsp)) : strlen(rsp);
}

API void ngx_http_lua_ffi_respond(void *tsk, int rc, char *rsp, int rsp_len)
{
    static const char negative[] = "the runtime answered with a negative length";
    struct task *t = tsk;
    resty_ffi_queue *q = t->q;
    if (!rf_queue_enter(q)) {
        static const char late[] = "resty_ffi: a task was answered after its runtime was unloaded; ignored\n";
        (void)!write(STDERR_FILENO, late, sizeof late - 1);
        free(rsp);
        return;
    }
    if (atomic_exchange_explicit(&t->answered, true, memory_order_acq_rel)) {
        rf_queue_log(q, RESTY_FFI_LOG_ERR, "%s answered a task twice; the second answer is dropped", resty_ffi_name(q));
    } else if (rsp_len < 0) {
        rf_queue_log(q, RESTY_FFI_LOG_ERR, "%s answered with a length of %d; the call fails", resty_ffi_name(q),
                     rsp_len);
        answer(q, &t->call, RESTY_FFI_BAD_ARGUMENT, negative, sizeof negative - 1);
        rest(atomic_load(&q->abi1), t);
    } else {
        answer(q, &t->call, rc, rsp, rsp && rsp_len == 0 ? text_length(rsp) : (uint64_t)rsp_len);
        rest(atomic_load(&q->abi1), t);
    }
    rf_queue_leave(q);
    free(rsp);
}
