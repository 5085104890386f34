/*
 * count N      messages "0" … "N-1"
 * sum          of the decimals that come
 * chat         each message back
 * flood N      N messages of 64 KB
 * failstream N N messages, then code 7, mid-stream
 * deaf         takes nothing, sends nothing, until it is cancelled
 * oversize     1, and a message above the limit; then as deaf
 * overrun N    N messages of 64 KB, whatever the window
 */
#include "streams.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGE 65536

struct message {
    struct message *next;
    resty_ffi_frame f;
};

struct stream {
    struct streams *all;
    struct stream *next;
    void (*serve)(struct stream *s);
    uint64_t id, granted, due;
    pthread_cond_t changed; /* with all->lock: what follows */
    struct message *first, **last;
    bool closed, cancelled;
    int64_t window;
};

struct streams {
    resty_ffi_queue *q;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct stream *open;
    unsigned running, cancelled;
};

/* The next message: 1, or 0 at the end, -1 when cancelled. Its payload is the caller's. */
static int receive(struct stream *s, resty_ffi_frame *out)
{
    struct streams *all = s->all;
    pthread_mutex_lock(&all->lock);
    while (!s->first && !s->closed && !s->cancelled)
        pthread_cond_wait(&s->changed, &all->lock);
    struct message *m = s->cancelled ? NULL : s->first;
    int rc = s->cancelled ? -1 : m != NULL;
    if (m && !(s->first = m->next))
        s->last = &s->first;
    pthread_mutex_unlock(&all->lock);
    if (!m)
        return rc;
    *out = m->f;
    free(m);
    /* The first message came with the call. */
    s->due += out->kind == RESTY_FFI_DATA ? resty_ffi_cost(out->len) : 0;
    if (s->due >= s->granted / 2) {
        resty_ffi_send(all->q, &(resty_ffi_frame){.id = s->id, .kind = RESTY_FFI_WINDOW, .arg = s->due}, 1);
        s->due = 0;
    }
    return 1;
}

/* False when cancelled. data is a payload of the queue; it is taken. */
static bool send_payload(struct stream *s, void *data, size_t len)
{
    struct streams *all = s->all;
    pthread_mutex_lock(&all->lock);
    while (s->window <= 0 && !s->cancelled)
        pthread_cond_wait(&s->changed, &all->lock);
    bool cancelled = s->cancelled;
    s->window -= (int64_t)resty_ffi_cost(len);
    pthread_mutex_unlock(&all->lock);
    if (cancelled)
        resty_ffi_free(all->q, data);
    else
        resty_ffi_send(all->q, &(resty_ffi_frame){.id = s->id, .kind = RESTY_FFI_DATA, .data = data, .len = len}, 1);
    return !cancelled;
}

static bool send_number(struct stream *s, long long n)
{
    char *text = resty_ffi_alloc(s->all->q, 32);
    return text && send_payload(s, text, (size_t)snprintf(text, 32, "%lld", n));
}

static void end(struct stream *s, int status, const char *text)
{
    resty_ffi_send(s->all->q,
                   &(resty_ffi_frame){.id = s->id,
                                      .kind = RESTY_FFI_DATA,
                                      .flags = RESTY_FFI_END | RESTY_FFI_COPY | (text ? 0 : RESTY_FFI_NIL),
                                      .status = status,
                                      .data = (void *)text,
                                      .len = text ? strlen(text) : 0},
                   1);
}

static long long number(struct stream *s)
{
    resty_ffi_frame f;
    char text[32] = "";
    if (receive(s, &f) != 1)
        return 0;
    memcpy(text, f.data, f.len < sizeof text ? f.len : sizeof text - 1);
    resty_ffi_free(s->all->q, f.data);
    return atoll(text);
}

static void count(struct stream *s)
{
    long long n = number(s);
    for (long long k = 0; k < n; k++)
        if (!send_number(s, k))
            break;
    end(s, 0, NULL);
}

static void sum(struct stream *s)
{
    resty_ffi_frame f;
    long long total = 0;
    while (receive(s, &f) == 1) {
        char text[32] = "";
        memcpy(text, f.data, f.len < sizeof text ? f.len : sizeof text - 1);
        resty_ffi_free(s->all->q, f.data);
        total += atoll(text);
    }
    send_number(s, total);
    end(s, 0, NULL);
}

static void chat(struct stream *s)
{
    resty_ffi_frame f;
    while (receive(s, &f) == 1)
        if (!send_payload(s, f.data, f.len))
            break;
    end(s, 0, NULL);
}

static void *large(struct stream *s)
{
    unsigned char *data = resty_ffi_alloc(s->all->q, LARGE);
    for (int k = 0; data && k < LARGE; k++)
        data[k] = (unsigned char)(k % 251);
    return data;
}

static void flood(struct stream *s)
{
    long long n = number(s);
    for (long long k = 0; k < n; k++)
        if (!send_payload(s, large(s), LARGE))
            break;
    end(s, 0, NULL);
}

static void failstream(struct stream *s)
{
    long long n = number(s);
    for (long long k = 0; k < n; k++)
        send_number(s, k);
    end(s, 7, "mid-stream");
}

static void deaf(struct stream *s)
{
    pthread_mutex_lock(&s->all->lock);
    while (!s->cancelled)
        pthread_cond_wait(&s->changed, &s->all->lock);
    pthread_mutex_unlock(&s->all->lock);
    end(s, RESTY_FFI_CANCELLED, "cancelled");
}

static void overrun(struct stream *s)
{
    long long n = number(s);
    for (long long k = 0; k < n; k++)
        resty_ffi_send(s->all->q,
                       &(resty_ffi_frame){.id = s->id, .kind = RESTY_FFI_DATA, .data = large(s), .len = LARGE}, 1);
    end(s, 0, NULL);
}

/* A message above the limit, in memory of its own; then it waits for its cancellation. */
static void oversize(struct stream *s)
{
    static const char text[] = "x";
    send_number(s, 1);
    resty_ffi_send(s->all->q,
                   &(resty_ffi_frame){.id = s->id,
                                      .kind = RESTY_FFI_DATA,
                                      .flags = RESTY_FFI_COPY,
                                      .data = (void *)text,
                                      .len = (uint64_t)1 << 40},
                   1);
    deaf(s);
}

static const struct {
    const char *name;
    void (*serve)(struct stream *s);
} methods[] = {{"count", count},           {"sum", sum},   {"chat", chat},       {"flood", flood},
               {"failstream", failstream}, {"deaf", deaf}, {"overrun", overrun}, {"oversize", oversize}};

static void *run(void *arg)
{
    struct stream *s = arg, **at;
    struct streams *all = s->all;
    s->serve(s);
    pthread_mutex_lock(&all->lock);
    for (at = &all->open; *at != s; at = &(*at)->next)
        ;
    *at = s->next;
    while (s->first) {
        struct message *m = s->first;
        s->first = m->next;
        resty_ffi_free(all->q, m->f.data);
        free(m);
    }
    all->cancelled += s->cancelled;
    pthread_cond_destroy(&s->changed);
    free(s);
    if (--all->running == 0)
        pthread_cond_signal(&all->ended);
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

struct streams *streams_new(resty_ffi_queue *q)
{
    struct streams *all = calloc(1, sizeof *all);
    all->q = q;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->ended, NULL);
    return all;
}

static void add(struct stream *s, const resty_ffi_frame *f)
{
    struct message *m = malloc(sizeof *m);
    *m = (struct message){NULL, *f};
    *s->last = m;
    s->last = &m->next;
}

bool streams_open(struct streams *all, const resty_ffi_frame *call, const char *name)
{
    size_t k = 0;
    while (k < sizeof methods / sizeof *methods && strcmp(methods[k].name, name) != 0)
        k++;
    if (k == sizeof methods / sizeof *methods)
        return false;
    struct stream *s = calloc(1, sizeof *s);
    s->all = all;
    s->serve = methods[k].serve;
    s->id = call->id;
    s->granted = call->arg;
    s->window = (int64_t)call->arg;
    s->closed = call->flags & RESTY_FFI_END;
    s->last = &s->first;
    pthread_cond_init(&s->changed, NULL);
    if (!(call->flags & RESTY_FFI_NIL))
        add(s, call);
    pthread_mutex_lock(&all->lock);
    s->next = all->open;
    all->open = s;
    all->running++;
    pthread_mutex_unlock(&all->lock);
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, s) != 0)
        abort();
    pthread_detach(thread);
    return true;
}

void streams_frame(struct streams *all, const resty_ffi_frame *f)
{
    bool kept = false;
    pthread_mutex_lock(&all->lock);
    struct stream *s = all->open;
    while (s && s->id != f->id)
        s = s->next;
    if (s && f->kind == RESTY_FFI_DATA) {
        s->closed |= f->flags & RESTY_FFI_END;
        if (!(f->flags & RESTY_FFI_NIL)) {
            add(s, f);
            kept = true;
        }
    } else if (s && f->kind == RESTY_FFI_WINDOW) {
        s->window += (int64_t)f->arg;
    } else if (s && f->kind == RESTY_FFI_CANCEL) {
        s->cancelled = true;
    }
    if (s)
        pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&all->lock);
    if (!kept)
        resty_ffi_free(all->q, f->data);
}

unsigned streams_running(struct streams *all)
{
    pthread_mutex_lock(&all->lock);
    unsigned n = all->running;
    pthread_mutex_unlock(&all->lock);
    return n;
}

unsigned streams_cancelled(struct streams *all)
{
    pthread_mutex_lock(&all->lock);
    unsigned n = all->cancelled;
    pthread_mutex_unlock(&all->lock);
    return n;
}

void streams_free(struct streams *all)
{
    pthread_mutex_lock(&all->lock);
    for (struct stream *s = all->open; s; s = s->next) {
        s->cancelled = true;
        pthread_cond_signal(&s->changed);
    }
    while (all->running)
        pthread_cond_wait(&all->ended, &all->lock);
    pthread_mutex_unlock(&all->lock);
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->ended);
    free(all);
}
