/* Streams in nginx: semaphores to wait on, and the request that a stream belongs to. */
#include "stream.h"

#include <stdlib.h>

#include "../../channel/export.h"
#include "nginx.h"
#include "nginx_abi.h"
#include "resty_ffi.h"
#include "subsystem.h"

#define BUCKETS 1024

/* The streams of one request. Made with the first stream; freed by the cleanup handler of the request. */
struct rf_nginx_request {
    void *request;
    struct rf_nginx_request *next; /* in its bucket */
    struct rf_nginx_stream *streams;
};

static struct rf_nginx_request *requests[BUCKETS];

static struct rf_nginx_request **bucket(const void *request)
{
    return &requests[((uintptr_t)request >> 4) * 2654435761u / 64 % BUCKETS];
}

static void detach(struct rf_nginx_stream *s)
{
    if (!s->request)
        return;
    *s->place = s->next;
    if (s->next)
        s->next->place = s->place;
    s->request = NULL;
}

static void on_request_end(void *data)
{
    static const char text[] = "cancelled: the request that opened the stream has ended";
    struct rf_nginx_request *r = data, **at = bucket(r->request);
    while (r->streams) {
        struct rf_nginx_stream *s = r->streams;
        detach(s);
        resty_ffi_stream_fail(s->call, RESTY_FFI_CANCELLED, text);
    }
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    free(r);
}

static struct rf_nginx_request *find_request(const struct rf_nginx_subsystem *s, void *request)
{
    struct rf_nginx_request **b = bucket(request), *r = *b;
    while (r && r->request != request)
        r = r->next;
    if (r)
        return r;
    struct ngx_request_cleanup *cleanup = s->cleanup_add(request, 0);
    r = cleanup ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return NULL;
    r->request = request;
    r->next = *b;
    *b = r;
    cleanup->handler = on_request_end;
    cleanup->data = r;
    return r;
}

static void forget_stream(const struct rf_nginx_subsystem *s, struct rf_nginx_stream *stream)
{
    if (stream->readable)
        s->sema_gc(stream->readable);
    if (stream->writable)
        s->sema_gc(stream->writable);
    detach(stream);
    free(stream);
}

API resty_ffi_call *resty_ffi_nginx_stream_new(int subsystem, void *request)
{
    const struct rf_nginx_subsystem *s = rf_nginx_subsystem(subsystem);
    struct rf_nginx_stream *stream = s->cleanup_add ? calloc(1, sizeof *stream) : NULL;
    char *error;
    if (!stream)
        return NULL;
    stream->request = find_request(s, request);
    if (stream->request) {
        stream->place = &stream->request->streams;
        stream->next = *stream->place;
        if (stream->next)
            stream->next->place = &stream->next;
        *stream->place = stream;
    }
    if (stream->request && s->sema_new(&stream->readable, 0, &error) == 0 &&
        s->sema_new(&stream->writable, 0, &error) == 0)
        stream->call = resty_ffi_call_new(s->loop);
    if (!stream->call) {
        forget_stream(s, stream);
        return NULL;
    }
    stream->call->user = stream;
    stream->seen = -1;
    return stream->call;
}

API void resty_ffi_nginx_stream_free(resty_ffi_call *call)
{
    const struct rf_nginx_subsystem *s = resty_ffi_call_host(call);
    struct rf_nginx_stream *stream = call->user;
    resty_ffi_call_free(call);
    forget_stream(s, stream);
}

/* One post is enough: the light thread that wakes takes what there is, and wakes the next one if there is more. */
static void post(const struct rf_nginx_subsystem *s, void *sem)
{
    if (s->sema_count(sem) <= 0)
        s->sema_post(sem, 1);
}

void rf_nginx_stream_tell(void *subsystem, resty_ffi_call *call, int events)
{
    struct rf_nginx_stream *stream = call->user;
    if (events & RESTY_FFI_READABLE)
        post(subsystem, stream->readable);
    if (events & RESTY_FFI_WRITABLE)
        post(subsystem, stream->writable);
}

/*
 * A count that is not negative may also come from a post whose light thread has not run yet. A living one has run by
 * the next look.
 */
void rf_nginx_stream_look(const struct rf_nginx_subsystem *s, resty_ffi_call *call)
{
    static const char text[] = "cancelled: the light thread that waited for the stream was killed";
    struct rf_nginx_stream *stream = call->user;
    if (!stream->waiting || s->sema_count(stream->readable) < 0 || s->sema_count(stream->writable) < 0) {
        stream->seen = -1;
        return;
    }
    bool again = stream->seen == stream->turns;
    stream->seen = stream->turns;
    if (again)
        resty_ffi_stream_fail(call, RESTY_FFI_CANCELLED, text);
}
