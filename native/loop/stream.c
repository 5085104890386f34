/*
 * The host's side of a stream. Received messages stay in the queue's memory until the host takes them; the window
 * granted to the runtime bounds them. The window that the runtime grants bounds what the host sends.
 */
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../channel/block.h"
#include "../channel/export.h"
#include "call.h"
#include "control.h"
#include "instance.h"
#include "runtime.h"

#define WINDOW RESTY_FFI_STREAM_WINDOW
#define MOST_WINDOW ((int64_t)1 << 40)

static void notify(struct rf_call *c, int events)
{
    /* A host that has closed its loop is gone. */
    if (!c->loop->closed)
        c->loop->host.stream(c->loop->host.host, &c->public, events);
}

API int resty_ffi_stream_send(resty_ffi_call *call, const char *data, uint64_t len, bool end)
{
    struct rf_call *c = rf_call_of(call);
    struct rf_stream *stream = c->beside;
    if (!stream || call->state != RESTY_FFI_IN_FLIGHT || stream->closed)
        return RESTY_FFI_UNLOADED;
    if (len > RF_MAX_PAYLOAD)
        return RESTY_FFI_TOO_LARGE;
    struct rf_instance *i = c->instance;
    struct rf_slot s = {.id = rf_call_id(c), .kind = RESTY_FFI_DATA, .flags = end ? RESTY_FFI_END : 0};
    if (data && stream->window <= 0) {
        stream->refused = true;
        return RESTY_FFI_AGAIN;
    }
    if (!rf_call_payload(i, &s, data, len))
        return RESTY_FFI_QUEUE_FULL;
    if (!rf_control_try(i, &s)) {
        rf_block_give(&i->q.ch, s.data);
        return RESTY_FFI_QUEUE_FULL;
    }
    if (data) {
        stream->window -= (int64_t)resty_ffi_cost(len);
        if (i->rt) {
            i->rt->stats.bytes_in += len;
            i->rt->method_stats[c->method].bytes_in += len;
        }
    }
    stream->closed = end;
    return 0;
}

void rf_stream_window(struct rf_instance *i, const struct rf_slot *s)
{
    struct rf_call *c = rf_call_find(i, s->id);
    rf_block_give(&i->q.ch, s->data);
    struct rf_stream *stream = c ? c->beside : NULL;
    if (!stream || s->arg > (uint64_t)MOST_WINDOW)
        return;
    stream->window += (int64_t)s->arg;
    if (stream->window > MOST_WINDOW)
        stream->window = MOST_WINDOW;
    if (stream->refused && stream->window > 0) {
        stream->refused = false;
        notify(c, RESTY_FFI_WRITABLE);
    }
}

static bool keep(struct rf_stream *stream, struct rf_message m)
{
    if (stream->count == stream->size) {
        uint32_t size = stream->size ? 2 * stream->size : 8;
        struct rf_message *bigger = malloc(size * sizeof *bigger);
        if (!bigger)
            return false;
        for (uint32_t k = 0; k < stream->count; k++)
            bigger[k] = stream->messages[(stream->head + k) % stream->size];
        free(stream->messages);
        stream->messages = bigger;
        stream->size = size;
        stream->head = 0;
    }
    stream->messages[(stream->head + stream->count++) % stream->size] = m;
    return true;
}

/* No more messages come. Earlier messages stay readable; empty: nothing is left, and a reader may be waiting. */
static void end(struct rf_call *c, int status, bool empty)
{
    struct rf_stream *stream = c->beside;
    int events = (empty ? RESTY_FFI_READABLE : 0) | (stream->refused ? RESTY_FFI_WRITABLE : 0);
    stream->refused = false;
    stream->status = status;
    c->public.state = RESTY_FFI_DONE;
    rf_call_count(c, status, 0);
    c->instance->held++;
    rf_call_leave(c);
    if (events)
        notify(c, events);
}

static void end_with(struct rf_call *c, int status, const char *text)
{
    const struct rf_stream *stream = c->beside;
    c->text = strdup(text);
    end(c, status, stream->count == 0);
}

/* Drops messages that the host has not taken. */
static void drop_messages(struct rf_call *c)
{
    struct rf_stream *stream = c->beside;
    for (; stream->count; stream->count--, stream->head = (stream->head + 1) % stream->size)
        rf_block_give(&c->instance->q.ch, stream->messages[stream->head].block);
}

API void resty_ffi_stream_fail(resty_ffi_call *call, int status, const char *text)
{
    struct rf_call *c = rf_call_of(call);
    if (call->state != RESTY_FFI_IN_FLIGHT || !c->beside)
        return;
    rf_call_tell_cancelled(c, status);
    drop_messages(c);
    end_with(c, status, text);
}

/* Ends the stream of a runtime that breaks the rules; the log and the caller get the reason. */
static void refuse_message(struct rf_call *c, const char *text)
{
    struct rf_instance *i = c->instance;
    i->loop->host.log(i->loop->host.host, RESTY_FFI_LOG_ERR, i->name, text, strlen(text));
    resty_ffi_stream_fail(&c->public, RESTY_FFI_BAD_ARGUMENT, text);
}

static void take_message(struct rf_instance *i, struct rf_call *c, const struct rf_slot *s)
{
    struct rf_stream *stream = c->beside;
    struct rf_message m = {s->data, s->len, s->flags & RESTY_FFI_NIL};
    if (m.nil || !m.len) {
        rf_block_give(&i->q.ch, s->data);
        m.block = m.len = 0;
    } else if (!rf_block_valid(&i->q.ch, s->data, s->len)) {
        refuse_message(c, "the runtime sent a message outside its memory");
        return;
    }
    if (stream->granted <= 0 || !keep(stream, m)) {
        rf_block_give(&i->q.ch, m.block);
        refuse_message(c, stream->granted <= 0 ? "the runtime sent more than the stream's window allows" : "no memory");
        return;
    }
    stream->granted -= (int64_t)resty_ffi_cost(m.len);
    if (i->rt) {
        i->rt->stats.bytes_out += m.len;
        i->rt->method_stats[c->method].bytes_out += m.len;
    }
    if (stream->count == 1 && !(s->flags & RESTY_FFI_END))
        notify(c, RESTY_FFI_READABLE);
}

/* The runtime's queue could not send a message: earlier ones stay readable, and the handler still owes its end. */
static void cut_short(struct rf_call *c, const struct rf_slot *s)
{
    struct rf_instance *i = c->instance;
    struct rf_stream *stream = c->beside;
    bool empty = stream->count == 0;
    rf_call_tell_cancelled(c, RESTY_FFI_CANCELLED);
    if (s->len && rf_block_valid(&i->q.ch, s->data, s->len))
        stream->last = (struct rf_message){s->data, s->len, false};
    end(c, s->status, empty);
}

static void take_frame(struct rf_instance *i, struct rf_call *c, const struct rf_slot *s)
{
    struct rf_stream *stream = c->beside;
    bool last = s->flags & RESTY_FFI_END, empty = s->flags & RESTY_FFI_NIL || !s->len;
    if (!last) {
        take_message(i, c, s);
        return;
    }
    bool had = stream->count > 0;
    if (s->reserved == RF_CUT_SHORT) {
        cut_short(c, s);
        return;
    }
    if (s->status != 0) {
        if (!empty && rf_block_valid(&i->q.ch, s->data, s->len))
            stream->last = (struct rf_message){s->data, s->len, false};
        else
            rf_block_give(&i->q.ch, s->data);
    } else if (s->flags & RESTY_FFI_NIL) {
        rf_block_give(&i->q.ch, s->data);
    } else {
        take_message(i, c, s);
        if (c->public.state != RESTY_FFI_IN_FLIGHT) {
            i->owed--; /* refused; the cancellation is answered already */
            return;
        }
    }
    i->owed--;
    end(c, s->status, !had);
}

static void give_current(struct rf_call *c)
{
    struct rf_stream *stream = c->beside;
    if (stream->current.block)
        rf_block_give(&c->instance->q.ch, stream->current.block);
    stream->current.block = 0;
}

/* Returns the window in halves: a frame for each message would double the number of frames. */
static void consumed(struct rf_call *c, uint64_t len)
{
    struct rf_stream *stream = c->beside;
    stream->due += resty_ffi_cost(len);
    if (c->public.state != RESTY_FFI_IN_FLIGHT || stream->due < WINDOW / 2)
        return;
    stream->granted += (int64_t)stream->due;
    rf_control_send(c->instance, &(struct rf_slot){.id = rf_call_id(c), .kind = RESTY_FFI_WINDOW, .arg = stream->due});
    stream->due = 0;
}

static int ended(struct rf_call *c)
{
    struct rf_stream *stream = c->beside;
    c->public.status = stream->status;
    c->public.nil = stream->status == 0;
    c->public.data = "";
    c->public.len = 0;
    if (c->text) {
        c->public.data = c->text;
        c->public.len = strlen(c->text);
    } else if (stream->last.block) {
        c->public.data = c->instance->q.ch.base + stream->last.block;
        c->public.len = stream->last.len;
    }
    return RESTY_FFI_ENDED;
}

API int resty_ffi_stream_next(resty_ffi_call *call)
{
    struct rf_call *c = rf_call_of(call);
    struct rf_stream *stream = c->beside;
    if (!stream || call->state == RESTY_FFI_IDLE)
        return RESTY_FFI_NOTHING;
    give_current(c);
    if (!stream->count)
        return call->state == RESTY_FFI_DONE ? ended(c) : RESTY_FFI_NOTHING;
    stream->current = stream->messages[stream->head];
    stream->head = (stream->head + 1) % stream->size;
    stream->count--;
    call->nil = stream->current.nil;
    call->len = stream->current.len;
    call->data = stream->current.block ? c->instance->q.ch.base + stream->current.block : "";
    call->status = 0;
    consumed(c, call->len);
    return RESTY_FFI_MESSAGE;
}

static void free_stream(struct rf_call *c)
{
    struct rf_stream *stream = c->beside;
    const struct rf_channel *ch = &c->instance->q.ch;
    drop_messages(c);
    rf_block_give(ch, stream->current.block);
    rf_block_give(ch, stream->last.block);
    c->beside = NULL;
    free(stream->messages);
    free(stream);
}

/* A stream may have no waiting caller who watches the clock. */
static void end_late(struct rf_call *c)
{
    char text[256];
    snprintf(text, sizeof text, "timeout: the stream of runtime \"%s\" did not end before its deadline",
             c->instance->name);
    resty_ffi_stream_fail(&c->public, RESTY_FFI_TIMEOUT, text);
}

/* Control frames: the cancellation and two windows. The runtime has to receive a window before a third can be due. */
static const struct rf_call_kind stream_kind = {
    .message = take_frame, .ended = end_with, .late = end_late, .free = free_stream, .control = 3};

API int resty_ffi_stream_open(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data,
                              uint64_t len, bool end, uint64_t timeout_ms)
{
    struct rf_call *c = rf_call_of(call);
    struct rf_slot s = {.flags = end ? RESTY_FFI_END : 0, .method = method, .arg = WINDOW};
    struct rf_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return RESTY_FFI_QUEUE_FULL;
    int rc = rf_call_start(rt, c, &stream_kind, &s, data, len, timeout_ms);
    if (rc != 0) {
        free(stream);
        return rc;
    }
    stream->window = stream->granted = WINDOW;
    stream->closed = end;
    c->beside = stream;
    call->stream = 1;
    rt->stats.streams++;
    if (c->deadline)
        rt->loop->host.tick(rt->loop->host.host);
    return 0;
}
