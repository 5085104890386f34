#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "../channel/block.h"
#include "../channel/clock.h"
#include "../channel/export.h"
#include "../channel/requests.h"
#include "control.h"
#include "instance.h"
#include "runtime.h"

uint64_t rf_call_id(const struct rf_call *c)
{
    return (uint64_t)c->generation << 32 | (c->index + 1);
}

API resty_ffi_call *resty_ffi_call_new(resty_ffi_loop *l)
{
    struct rf_call *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    if (!l->free_count && l->calls_used == l->calls_size) {
        uint32_t size = l->calls_size ? 2 * l->calls_size : 64;
        struct rf_call **calls = realloc(l->calls, size * sizeof *calls);
        if (calls)
            l->calls = calls;
        uint32_t *unused = realloc(l->free_calls, size * sizeof *unused);
        if (unused)
            l->free_calls = unused;
        if (!calls || !unused) {
            free(c);
            return NULL;
        }
        l->calls_size = size;
    }
    c->index = l->free_count ? l->free_calls[--l->free_count] : l->calls_used++;
    /* Not always 0: an answer to the index's last owner must not match its next one. */
    c->generation = (uint32_t)rf_clock_now();
    c->loop = l;
    l->calls[c->index] = c;
    return &c->public;
}

API void *resty_ffi_call_host(const resty_ffi_call *call)
{
    return ((const struct rf_call *)call)->loop->host.host;
}

static void free_beside(struct rf_call *c)
{
    if (c->kind->free)
        c->kind->free(c);
}

API void resty_ffi_call_release(resty_ffi_call *call)
{
    struct rf_call *c = rf_call_of(call);
    if (call->state != RESTY_FFI_DONE)
        return;
    free_beside(c);
    if (c->instance) {
        if (c->block)
            rf_block_give(&c->instance->q.ch, c->block);
        c->instance->held--;
        rf_instance_released(c->instance);
    }
    free(c->text);
    c->text = NULL;
    c->instance = NULL;
    c->block = 0;
    call->data = NULL;
    call->len = 0;
    call->state = RESTY_FFI_IDLE;
}

API void resty_ffi_call_free(resty_ffi_call *call)
{
    struct rf_call *c = rf_call_of(call);
    if (!call)
        return;
    resty_ffi_call_cancel(call, RESTY_FFI_CANCELLED);
    resty_ffi_call_release(call);
    c->loop->calls[c->index] = NULL;
    c->loop->free_calls[c->loop->free_count++] = c->index;
    free(c);
}

/* The worker with the fewest calls in flight: as good as one queue for all while a worker is idle. */
static struct rf_instance *choose(const resty_ffi_runtime *rt)
{
    struct rf_instance *best = rt->workers[0];
    for (uint32_t w = 1; w < rt->worker_count; w++) {
        struct rf_instance *i = rt->workers[w];
        if (!best || (i && best->state != RF_READY && i->state == RF_READY) ||
            (i && i->state == best->state && i->in_flight < best->in_flight))
            best = i;
    }
    return best;
}

static void share_methods(struct rf_instance *i)
{
    struct rf_channel *c = &i->q.ch;
    for (; i->method_count < i->rt->method_count; i->method_count++) {
        char *name = c->base + c->at.method_names + (uint64_t)i->method_count * RF_METHOD_BYTES;
        strncpy(name, i->rt->methods[i->method_count], RF_METHOD_BYTES - 1);
    }
    atomic_store_explicit(&c->h->methods, i->method_count, memory_order_release);
}

bool rf_call_payload(struct rf_instance *i, struct rf_slot *s, const char *data, uint64_t len)
{
    struct rf_channel *ch = &i->q.ch;
    if (!data) {
        s->flags |= RESTY_FFI_NIL;
        return true;
    }
    /* One byte more: version-1 runtimes read requests as C strings. */
    if (!(s->data = rf_block_take(ch, len + 1)))
        return false;
    memcpy(ch->base + s->data, data, len);
    ch->base[s->data + len] = 0;
    s->len = len;
    return true;
}

static int send_call(struct rf_instance *i, const struct rf_call_kind *kind, struct rf_slot *s, const char *data,
                     uint64_t len)
{
    struct rf_channel *ch = &i->q.ch;
    /* The host bounds the callers that wait; nothing else bounds those that do not. */
    if (kind->unawaited && i->one_way >= ch->at.max_queue)
        return RESTY_FFI_QUEUE_FULL;
    if (ch->tail - atomic_load_explicit(&ch->h->head, memory_order_relaxed) >= ch->at.max_queue)
        return RESTY_FFI_QUEUE_FULL;
    if (!rf_call_payload(i, s, data, len))
        return RESTY_FFI_QUEUE_FULL;
    if (i->method_count < i->rt->method_count)
        share_methods(i);
    if (rf_requests_send(ch, s))
        return 0;
    rf_block_give(ch, s->data);
    return RESTY_FFI_QUEUE_FULL;
}

int rf_call_start(resty_ffi_runtime *rt, struct rf_call *c, const struct rf_call_kind *kind, struct rf_slot *s,
                  const char *data, uint64_t len, uint64_t timeout_ms)
{
    resty_ffi_call_release(&c->public);
    if (c->public.state != RESTY_FFI_IDLE)
        return RESTY_FFI_BAD_ARGUMENT;
    if (rt->state != RF_UP || rt->loop->closed)
        return rt->state == RF_FAILED ? RESTY_FFI_EXITED : RESTY_FFI_UNLOADED;
    if (s->method >= rt->method_count)
        return RESTY_FFI_BAD_ARGUMENT;
    if (len > RF_MAX_PAYLOAD)
        return RESTY_FFI_TOO_LARGE;
    if (rt->refill)
        rt->refill(rt);
    struct rf_instance *i = choose(rt);
    if (!i)
        return RESTY_FFI_EXITED;
    c->generation++;
    c->public.stream = 0;
    c->sent = rf_clock_now();
    c->method = s->method;
    s->id = rf_call_id(c);
    s->kind = RESTY_FFI_CALL;
    s->deadline = c->deadline = timeout_ms ? c->sent + timeout_ms * 1000000 : 0;
    resty_ffi_method_stats *m = &rt->method_stats[s->method];
    bool room = rf_control_reserve(i, kind->control);
    int rc = room ? send_call(i, kind, s, data, len) : RESTY_FFI_QUEUE_FULL;
    if (rc != 0) {
        if (room)
            rf_control_unreserve(i, kind->control);
        rt->stats.queue_full++;
        m->errors[-RESTY_FFI_QUEUE_FULL]++;
        return rc;
    }
    c->instance = i;
    c->kind = kind;
    c->public.state = RESTY_FFI_IN_FLIGHT;
    rt->stats.calls++;
    rt->stats.bytes_in += len;
    m->calls++;
    m->bytes_in += len;
    m->in_flight++;
    i->in_flight++;
    i->owed++;
    rt->loop->in_flight++;
    return 0;
}

static void count_time(resty_ffi_method_stats *m, uint64_t ns)
{
    uint32_t bucket = ns >> 13 ? 64u - (uint32_t)__builtin_clzll(ns >> 13) : 0;
    m->took[bucket < RESTY_FFI_BUCKETS ? bucket : RESTY_FFI_BUCKETS - 1]++;
    m->took_us += ns / 1000;
}

static void count_end(resty_ffi_runtime *rt, const struct rf_call *c, int status, uint64_t len)
{
    resty_ffi_method_stats *m = &rt->method_stats[c->method];
    rt->stats.bytes_out += len;
    m->bytes_out += len;
    m->in_flight--;
    if (status == 0) {
        rt->stats.answered++;
        m->answered++;
        return;
    }
    if (status == RESTY_FFI_TIMEOUT)
        rt->stats.timed_out++;
    else if (status == RESTY_FFI_CANCELLED)
        rt->stats.cancelled++;
    else
        rt->stats.failed++;
    m->errors[status < 0 && status > -RESTY_FFI_KINDS ? -status : 0]++;
}

void rf_call_count(struct rf_call *c, int status, uint64_t len)
{
    if (c->instance->rt)
        count_end(c->instance->rt, c, status, len);
    if (status != 0 && c->kind->failed)
        c->kind->failed(c, status);
}

void rf_call_leave(struct rf_call *c)
{
    struct rf_instance *i = c->instance;
    i->in_flight--;
    c->loop->in_flight--;
    rf_control_unreserve(i, c->kind->control);
    if (i->in_flight == 0 && i->draining)
        i->user->idle(i);
}

void rf_call_tell_cancelled(struct rf_call *c, int status)
{
    rf_control_send(c->instance, &(struct rf_slot){.id = rf_call_id(c), .kind = RESTY_FFI_CANCEL, .status = status});
}

API void resty_ffi_call_cancel(resty_ffi_call *call, int status)
{
    struct rf_call *c = rf_call_of(call);
    if (call->state != RESTY_FFI_IN_FLIGHT)
        return;
    rf_call_tell_cancelled(c, status);
    rf_call_count(c, status, 0);
    call->state = RESTY_FFI_IDLE;
    free_beside(c);
    rf_call_leave(c);
    c->instance = NULL;
}

struct rf_call *rf_call_find(struct rf_instance *i, uint64_t id)
{
    uint32_t index = (uint32_t)id - 1;
    struct rf_call *c = index < i->loop->calls_used ? i->loop->calls[index] : NULL;
    return c && c->public.state == RESTY_FFI_IN_FLIGHT && rf_call_id(c) == id && c->instance == i ? c : NULL;
}

/*
 * An answer that no call waits for. While the runtime owes more answers than callers wait for, it counts as a late one;
 * otherwise the child has answered twice or made it up.
 */
static void stray(struct rf_instance *i, bool end)
{
    resty_ffi_loop *l = i->loop;
    if (i->owed > i->in_flight) {
        i->owed -= end;
        if (i->rt && end)
            i->rt->stats.late++;
        return;
    }
    uint64_t now = rf_clock_now();
    if (now - l->complained < 1000000000u)
        return;
    l->complained = now;
    static const char text[] = "answered a call that is not open; the answer is dropped";
    l->host.log(l->host.host, RESTY_FFI_LOG_WARN, i->name, text, sizeof text - 1);
}

void rf_call_message(struct rf_instance *i, const struct rf_slot *s)
{
    struct rf_call *c = rf_call_find(i, s->id);
    if (c) {
        c->kind->message(i, c, s);
        return;
    }
    rf_block_give(&i->q.ch, s->data);
    stray(i, s->flags & RESTY_FFI_END);
}

void rf_call_answer(struct rf_instance *i, struct rf_call *c, const struct rf_slot *s)
{
    struct rf_channel *ch = &i->q.ch;
    if (!(s->flags & RESTY_FFI_END)) {
        rf_block_give(ch, s->data);
        stray(i, false);
        return;
    }
    i->owed--;
    c->public.status = s->status;
    c->public.nil = (s->flags & RESTY_FFI_NIL) != 0;
    c->public.len = c->public.nil ? 0 : s->len;
    c->public.data = "";
    c->block = 0;
    if (c->public.len && rf_block_valid(ch, s->data, s->len)) {
        c->block = s->data;
        c->public.data = ch->base + s->data;
    } else if (c->public.len) {
        c->public.status = RESTY_FFI_BAD_ARGUMENT;
        c->public.data = "the runtime answered with a payload outside its memory";
        c->public.len = strlen(c->public.data);
    } else {
        rf_block_give(ch, s->data);
    }
    if (i->rt)
        count_time(&i->rt->method_stats[c->method], i->loop->now - c->sent);
    rf_call_count(c, c->public.status, c->public.len);
    c->public.state = RESTY_FFI_DONE;
    i->held++;
    rf_call_leave(c);
    c->kind->done(i, c);
}

void rf_call_fail(struct rf_call *c, int status, const char *text)
{
    struct rf_instance *i = c->instance;
    c->text = strdup(text);
    c->public.status = status;
    c->public.nil = 0;
    c->public.data = c->text ? c->text : "";
    c->public.len = strlen(c->public.data);
    c->public.state = RESTY_FFI_DONE;
    rf_call_count(c, status, 0);
    rf_call_leave(c);
    c->instance = NULL;
    c->kind->done(i, c);
}

void rf_call_fail_all(struct rf_instance *i, int status, const char *text)
{
    resty_ffi_loop *l = i->loop;
    for (uint32_t k = 0; k < l->calls_used && i->in_flight; k++) {
        struct rf_call *c = l->calls[k];
        if (c && c->public.state == RESTY_FFI_IN_FLIGHT && c->instance == i)
            c->kind->ended(c, status, text);
    }
}

static void tell_host(struct rf_instance *i, struct rf_call *c)
{
    (void)i;
    c->loop->host.done(c->loop->host.host, &c->public);
}

/* The host watches the clock and cancels. */
static const struct rf_call_kind plain = {
    .message = rf_call_answer, .ended = rf_call_fail, .done = tell_host, .control = 1};

API int resty_ffi_call_submit(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data,
                              uint64_t len, uint64_t timeout_ms)
{
    struct rf_slot s = {.flags = RESTY_FFI_END, .method = method};
    return rf_call_start(rt, rf_call_of(call), &plain, &s, data, len, timeout_ms);
}
