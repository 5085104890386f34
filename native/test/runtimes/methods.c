/*
 * A runtime of version 2 with the methods of the conformance suite, as far as C has them, and some that tell the core's
 * tests what they want to know. No SDK: this is what one does for its users.
 *
 * Configuration: words in any order, separated by blanks. "threads=N" (1), "wait=poll" (default), "wait=edge" or
 * "wait=level" (epoll on resty_ffi_fd), "pause=MS" (libffi_init takes that long), "farewell" (it logs and prints a line
 * at its end), "finish=MS" (it has work to finish at its end, and logs how that went), "stubborn" (whatever its time).
 *
 *   lang echo xor empty none nilreq fill sleep block fail throw never cancelled remaining config log dict crash exit
 *                 as in the conformance suite; throw answers as an SDK would
 *   finish        "MS FILE": what there is to finish at the end, and the file that notes that it is done
 *   pid           of this process
 *   env NAME      its value, nil if not set
 *   descriptors   the numbers of the open ones, separated by blanks
 *   id            the call's own id in hex
 *   forge HEX     answers the call with that id, then its own
 *   double        answers twice
 *   abroad        answers with memory that is not the queue's
 *   overlong      answers with a length that its block does not have
 *   large         answers with COPY and a length above the limit
 *   batch N       N log lines "line 0" … and the answer in one send
 *   close         closes the queue, unasked
 *   streams       how many are open now; the streams themselves are in streams.c
 *   print         "stdout TEXT" or "stderr TEXT": prints that line
 *   hold MB       allocates that much; limits, uid: what the process may use, and who it is
 *   generation    of the queue
 *   setting NAME  its value, nil if not set
 *   watch PATH    has the host watch a file
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "resty_ffi.h"
#include "streams.h"

#define BATCH 64

struct open_call {
    uint64_t id;
    struct open_call *next;
};

struct dict_wait {
    uint64_t id; /* of the call, and of the DICT frame */
    struct dict_wait *next;
};

struct runtime {
    resty_ffi_queue *q;
    int threads;
    char wait; /* p, e, l */
    bool farewell, stubborn;
    int finish;     /* ms */
    char *finishes; /* the file that notes it; owned, NULL = none */
    _Atomic int polling, sleeping;
    _Atomic uint64_t cancelled;
    struct streams *streams;
    _Atomic bool closing;
    pthread_mutex_t lock; /* open, asked */
    struct open_call *open;
    struct dict_wait *asked;
};

/* A call and what it takes to answer it. */
struct request {
    struct runtime *rt;
    resty_ffi_frame f;
    char *text; /* the payload as a string, the frame's memory; "" for none */
};

static void send_one(resty_ffi_queue *q, resty_ffi_frame f)
{
    resty_ffi_send(q, &f, 1);
}

static void reply(const struct request *r, int status, const void *data, size_t len)
{
    send_one(r->rt->q, (resty_ffi_frame){.id = r->f.id,
                                         .kind = RESTY_FFI_DATA,
                                         .flags = RESTY_FFI_END | RESTY_FFI_COPY | (data ? 0 : RESTY_FFI_NIL),
                                         .status = status,
                                         .data = (void *)data,
                                         .len = len,
                                         .release = r->f.data});
}

static void reply_text(const struct request *r, int status, const char *text)
{
    reply(r, status, text, strlen(text));
}

static uint64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pause_ms(int ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

static void lang(struct request *r)
{
    char text[200];
    snprintf(text, sizeof text,
             "{\"language\":\"c\",\"version\":\"%ld\",\"sdk\":\"none\",\"abi\":%d,"
             "\"pid\":%d}",
             __STDC_VERSION__, resty_ffi_abi(), (int)getpid());
    reply_text(r, 0, text);
}

/* The request's own memory goes back as the answer. */
static void move_back(struct request *r)
{
    send_one(r->rt->q, (resty_ffi_frame){.id = r->f.id,
                                         .kind = RESTY_FFI_DATA,
                                         .flags = (uint16_t)(RESTY_FFI_END | (r->f.flags & RESTY_FFI_NIL)),
                                         .data = r->f.data,
                                         .len = r->f.len});
}

static void xor
    (struct request * r) {
        unsigned char *data = r->f.data;
        for (uint64_t k = 0; k < r->f.len; k++)
            data[k] ^= 0x5a;
        move_back(r);
    }

    static void empty(struct request *r)
{
    reply(r, 0, "", 0);
}

static void none(struct request *r)
{
    reply(r, 0, NULL, 0);
}

static void nilreq(struct request *r)
{
    reply_text(r, 0, r->f.flags & RESTY_FFI_NIL ? "nil" : r->f.len ? "bytes" : "empty");
}

static void fill(struct request *r)
{
    resty_ffi_frame f = {.id = r->f.id,
                         .kind = RESTY_FFI_DATA,
                         .flags = RESTY_FFI_END,
                         .len = strtoull(r->text, NULL, 10),
                         .release = r->f.data};
    unsigned char *data = f.data = resty_ffi_alloc(r->rt->q, f.len);
    if (!data) {
        reply_text(r, RESTY_FFI_TOO_LARGE, "no payload memory of that size");
        return;
    }
    for (uint64_t k = 0; k < f.len; k++)
        data[k] = (unsigned char)(k % 251);
    send_one(r->rt->q, f);
}

static void *sleeper(void *arg)
{
    struct request *r = arg;
    struct runtime *rt = r->rt;
    pause_ms(atoi(r->text));
    reply_text(r, 0, "slept");
    free(r);
    atomic_fetch_sub(&rt->sleeping, 1);
    return NULL;
}

static void sleep_aside(struct request *r)
{
    struct request *copy = malloc(sizeof *copy);
    pthread_t t;
    *copy = *r;
    atomic_fetch_add(&r->rt->sleeping, 1);
    if (pthread_create(&t, NULL, sleeper, copy) != 0)
        sleeper(copy);
    else
        pthread_detach(t);
}

static void block(struct request *r)
{
    pause_ms(atoi(r->text));
    reply_text(r, 0, "blocked");
}

static void fail(struct request *r)
{
    char *message = r->text;
    int code = (int)strtol(r->text, &message, 10);
    reply_text(r, code, *message == ' ' ? message + 1 : message);
}

static void throw(struct request * r)
{
    reply_text(r, RESTY_FFI_THREW, "thrown");
}

static void never(struct request *r)
{
    struct open_call *c = malloc(sizeof *c);
    c->id = r->f.id;
    resty_ffi_free(r->rt->q, r->f.data);
    pthread_mutex_lock(&r->rt->lock);
    c->next = r->rt->open;
    r->rt->open = c;
    pthread_mutex_unlock(&r->rt->lock);
}

static void end_cancelled(struct runtime *rt, uint64_t id)
{
    static const char text[] = "cancelled";
    atomic_fetch_add(&rt->cancelled, 1);
    send_one(rt->q, (resty_ffi_frame){.id = id,
                                      .kind = RESTY_FFI_DATA,
                                      .flags = RESTY_FFI_END | RESTY_FFI_COPY,
                                      .status = RESTY_FFI_CANCELLED,
                                      .data = (void *)text,
                                      .len = sizeof text - 1});
}

/* all: whatever the id. */
static void cancel(struct runtime *rt, uint64_t id, bool all)
{
    struct open_call *ended = NULL;
    pthread_mutex_lock(&rt->lock);
    for (struct open_call **p = &rt->open; *p;) {
        struct open_call *c = *p;
        if (!all && c->id != id) {
            p = &c->next;
            continue;
        }
        *p = c->next;
        c->next = ended;
        ended = c;
    }
    pthread_mutex_unlock(&rt->lock);
    while (ended) {
        struct open_call *c = ended;
        ended = c->next;
        end_cancelled(rt, c->id);
        free(c);
    }
}

static void cancelled(struct request *r)
{
    char text[32];
    unsigned long long n = atomic_load(&r->rt->cancelled) + streams_cancelled(r->rt->streams);
    snprintf(text, sizeof text, "%llu", n);
    reply_text(r, 0, text);
}

static void count_streams(struct request *r)
{
    char text[32];
    snprintf(text, sizeof text, "%u", streams_running(r->rt->streams));
    reply_text(r, 0, text);
}

static void print(struct request *r)
{
    bool err = strncmp(r->text, "stderr ", 7) == 0;
    fprintf(err ? stderr : stdout, "%s\n", r->text + 7);
    fflush(err ? stderr : stdout);
    reply(r, 0, "", 0);
}

/* Of memory, for good. */
static void hold(struct request *r)
{
    size_t len = (size_t)atoi(r->text) << 20;
    char *data = malloc(len);
    for (size_t k = 0; data && k < len; k += 4096)
        data[k] = 1;
    if (len > 1u << 20)
        pause_ms(5000);
    reply_text(r, 0, r->text);
}

static void limits(struct request *r)
{
    char text[64];
    struct rlimit files;
    cpu_set_t cpus;
    getrlimit(RLIMIT_NOFILE, &files);
    sched_getaffinity(0, sizeof cpus, &cpus);
    snprintf(text, sizeof text, "files %d cpus %d", (int)files.rlim_max, CPU_COUNT(&cpus));
    reply_text(r, 0, text);
}

/* Whether the program itself can see a symbol of this name. */
static void symbol(struct request *r)
{
    reply_text(r, 0, dlsym(dlopen(NULL, RTLD_LAZY), r->text) ? "seen" : "hidden");
}

static void uid(struct request *r)
{
    char text[32];
    snprintf(text, sizeof text, "%d", (int)getuid());
    reply_text(r, 0, text);
}

static void generation(struct request *r)
{
    char text[32];
    snprintf(text, sizeof text, "%u", resty_ffi_generation(r->rt->q));
    reply_text(r, 0, text);
}

static void setting(struct request *r)
{
    const char *value = resty_ffi_setting(r->rt->q, r->text);
    reply(r, 0, value, value ? strlen(value) : 0);
}

static void watch(struct request *r)
{
    send_one(r->rt->q, (resty_ffi_frame){
                           .kind = RESTY_FFI_WATCH, .flags = RESTY_FFI_COPY, .data = r->text, .len = strlen(r->text)});
    reply(r, 0, "", 0);
}

static void remaining(struct request *r)
{
    char text[32];
    long long left = -1;
    if (r->f.deadline) {
        left = ((long long)r->f.deadline - (long long)nanoseconds()) / 1000000;
        left = left < 0 ? 0 : left;
    }
    snprintf(text, sizeof text, "%lld", left);
    reply_text(r, 0, text);
}

static void config(struct request *r)
{
    size_t len;
    const char *cfg = resty_ffi_config(r->rt->q, &len);
    reply(r, 0, cfg, len);
}

static void log_line(struct runtime *rt, int level, const char *text)
{
    send_one(rt->q, (resty_ffi_frame){.kind = RESTY_FFI_LOG,
                                      .flags = RESTY_FFI_COPY,
                                      .status = level,
                                      .data = (void *)text,
                                      .len = strlen(text)});
}

static void log_request(struct request *r)
{
    static const char *const names[] = {"", "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"};
    size_t word = strcspn(r->text, " ");
    int level = RESTY_FFI_LOG_DEBUG;
    while (level > 1 && (strlen(names[level]) != word || strncmp(names[level], r->text, word) != 0))
        level--;
    log_line(r->rt, level, r->text + word + (r->text[word] != 0));
    empty(r);
}

/*
 * "set K V [TTL_MS]", "add K V [TTL_MS]", "get K", "incr K N [TTL_MS]", "delete K", all after "in ZONE" if need be. The
 * answer of the host is the answer of the call.
 */
static void dict(struct request *r)
{
    char op[16] = "", zone[64] = "", key[64] = "", value[128] = "", all[320];
    unsigned long long ttl = 0;
    int at = 0;
    if (strncmp(r->text, "in ", 3) == 0)
        sscanf(r->text, "in %63s %n", zone, &at);
    sscanf(r->text + at, "%15s %63s %127s %llu", op, key, value, &ttl);
    struct dict_wait *w = malloc(sizeof *w);
    w->id = r->f.id;
    pthread_mutex_lock(&r->rt->lock);
    w->next = r->rt->asked;
    r->rt->asked = w;
    pthread_mutex_unlock(&r->rt->lock);
    int len = snprintf(all, sizeof all, "%s%s%s", zone, key, value);
    send_one(r->rt->q, (resty_ffi_frame){.id = r->f.id,
                                         .kind = RESTY_FFI_DICT,
                                         .flags = RESTY_FFI_COPY,
                                         .method = strcmp(op, "get") == 0      ? RESTY_FFI_DICT_GET
                                                   : strcmp(op, "set") == 0    ? RESTY_FFI_DICT_SET
                                                   : strcmp(op, "incr") == 0   ? RESTY_FFI_DICT_INCR
                                                   : strcmp(op, "add") == 0    ? RESTY_FFI_DICT_ADD
                                                   : strcmp(op, "delete") == 0 ? RESTY_FFI_DICT_DELETE
                                                                               : 99,
                                         .data = all,
                                         .len = (uint64_t)len,
                                         .deadline = ttl,
                                         .zone = (uint32_t)strlen(zone),
                                         .arg = strlen(key),
                                         .release = r->f.data});
}

static void dict_answered(struct runtime *rt, const resty_ffi_frame *f)
{
    struct dict_wait *w = NULL;
    pthread_mutex_lock(&rt->lock);
    for (struct dict_wait **p = &rt->asked; *p && !w; p = &(*p)->next) {
        if ((*p)->id == f->id) {
            w = *p;
            *p = w->next;
            break;
        }
    }
    pthread_mutex_unlock(&rt->lock);
    if (!w) {
        resty_ffi_free(rt->q, f->data);
        return;
    }
    free(w);
    send_one(rt->q, (resty_ffi_frame){.id = f->id,
                                      .kind = RESTY_FFI_DATA,
                                      .flags = (uint16_t)(RESTY_FFI_END | (f->flags & RESTY_FFI_NIL)),
                                      .status = f->status,
                                      .data = f->data,
                                      .len = f->len});
}

static void to_finish(struct request *r)
{
    char *file = strchr(r->text, ' ');
    r->rt->finish = atoi(r->text);
    free(r->rt->finishes);
    r->rt->finishes = strdup(file ? file + 1 : "");
    none(r);
}

static void crash(struct request *r)
{
    fputs(r->text, stderr);
    abort();
}

static void leave(struct request *r)
{
    (void)r;
    _exit(3);
}

static void pid(struct request *r)
{
    char text[32];
    snprintf(text, sizeof text, "%d", (int)getpid());
    reply_text(r, 0, text);
}

static void env(struct request *r)
{
    const char *value = getenv(r->text);
    reply(r, 0, value, value ? strlen(value) : 0);
}

static void descriptors(struct request *r)
{
    char text[4096];
    size_t len = 0;
    for (int fd = 0; fd < 1024 && len < sizeof text - 16; fd++) {
        char path[64], target[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof target) > 0)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%d", len ? " " : "", fd);
    }
    reply(r, 0, text, len);
}

static void id(struct request *r)
{
    char text[32];
    snprintf(text, sizeof text, "%llx", (unsigned long long)r->f.id);
    reply_text(r, 0, text);
}

static void forge(struct request *r)
{
    struct request other = *r;
    other.f.id = strtoull(r->text, NULL, 16);
    other.f.data = NULL;
    reply_text(&other, 0, "forged");
    reply_text(r, 0, "done");
}

static void twice(struct request *r)
{
    reply_text(r, 0, "first");
    r->f.data = NULL;
    reply_text(r, 0, "second");
}

static void abroad(struct request *r)
{
    static char text[] = "mine";
    send_one(r->rt->q, (resty_ffi_frame){.id = r->f.id,
                                         .kind = RESTY_FFI_DATA,
                                         .flags = RESTY_FFI_END,
                                         .data = text,
                                         .len = sizeof text - 1,
                                         .release = r->f.data});
}

static void overlong(struct request *r)
{
    send_one(r->rt->q, (resty_ffi_frame){.id = r->f.id,
                                         .kind = RESTY_FFI_DATA,
                                         .flags = RESTY_FFI_END,
                                         .data = r->f.data,
                                         .len = (uint64_t)1 << 40});
}

static void large(struct request *r)
{
    reply(r, 0, r->text, ((size_t)128 << 20) + 1); /* nothing is read: the length alone is refused */
}

static void batch(struct request *r)
{
    enum { MOST = 300 };
    static _Thread_local char text[MOST][16];
    resty_ffi_frame f[MOST + 1];
    int n = atoi(r->text);
    n = n > MOST ? MOST : n;
    for (int k = 0; k < n; k++) {
        snprintf(text[k], sizeof text[k], "line %d", k);
        f[k] = (resty_ffi_frame){.kind = RESTY_FFI_LOG,
                                 .flags = RESTY_FFI_COPY,
                                 .status = RESTY_FFI_LOG_NOTICE,
                                 .data = text[k],
                                 .len = strlen(text[k])};
    }
    f[n] = (resty_ffi_frame){
        .id = r->f.id, .kind = RESTY_FFI_DATA, .flags = RESTY_FFI_END | RESTY_FFI_NIL, .release = r->f.data};
    resty_ffi_send(r->rt->q, f, n + 1);
}

static void close_queue(struct request *r)
{
    empty(r);
    atomic_store(&r->rt->closing, true);
}

static const struct {
    const char *name;
    void (*serve)(struct request *r);
} methods[] = {
    {"lang", lang},
    {"echo", move_back},
    {"xor", xor},
    {"empty", empty},
    {"none", none},
    {"nilreq", nilreq},
    {"fill", fill},
    {"sleep", sleep_aside},
    {"block", block},
    {"fail", fail},
    {"throw", throw},
    {"never", never},
    {"cancelled", cancelled},
    {"remaining", remaining},
    {"config", config},
    {"log", log_request},
    {"dict", dict},
    {"finish", to_finish},
    {"crash", crash},
    {"exit", leave},
    {"pid", pid},
    {"env", env},
    {"descriptors", descriptors},
    {"id", id},
    {"forge", forge},
    {"double", twice},
    {"abroad", abroad},
    {"overlong", overlong},
    {"large", large},
    {"batch", batch},
    {"close", close_queue},
    {"streams", count_streams},
    {"print", print},
    {"symbol", symbol},
    {"hold", hold},
    {"limits", limits},
    {"uid", uid},
    {"generation", generation},
    {"setting", setting},
    {"watch", watch},
};

static void no_method(struct request *r, const char *name)
{
    char text[512];
    int len = snprintf(text, sizeof text, "no method \"%s\"; there are:", name);
    for (size_t k = 0; k < sizeof methods / sizeof *methods; k++)
        len += snprintf(text + len, sizeof text - (size_t)len, " %s", methods[k].name);
    reply_text(r, RESTY_FFI_NO_METHOD, text);
}

static void serve(struct runtime *rt, const resty_ffi_frame *f)
{
    struct request r = {rt, *f, f->len ? f->data : ""};
    const char *name = resty_ffi_method(rt->q, f->method, NULL);
    if (f->arg && name && streams_open(rt->streams, f, name))
        return;
    for (size_t k = 0; name && k < sizeof methods / sizeof *methods; k++) {
        if (strcmp(methods[k].name, name) == 0) {
            methods[k].serve(&r);
            return;
        }
    }
    no_method(&r, name ? name : "?");
}

static void handle(struct runtime *rt, const resty_ffi_frame *f)
{
    if (f->kind == RESTY_FFI_CALL) {
        serve(rt, f);
    } else if (f->kind == RESTY_FFI_DICT) {
        dict_answered(rt, f);
    } else {
        if (f->kind == RESTY_FFI_CANCEL)
            cancel(rt, f->id, false);
        streams_frame(rt->streams, f);
    }
}

/* Waits in epoll until poll has something to say. */
static int poll_by_descriptor(struct runtime *rt, int epoll, resty_ffi_frame *f)
{
    int n;
    while ((n = resty_ffi_poll(rt->q, f, BATCH, 0)) == 0) {
        struct epoll_event e;
        epoll_wait(epoll, &e, 1, -1);
    }
    return n;
}

static int open_epoll(struct runtime *rt)
{
    bool level = rt->wait == 'l';
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN | (level ? 0 : EPOLLET)};
    epoll_ctl(epoll, EPOLL_CTL_ADD, resty_ffi_fd(rt->q, level), &e);
    return epoll;
}

static void finish(struct runtime *rt)
{
    int has = resty_ffi_finish(rt->q, 1);
    bool enough = rt->stubborn || has >= rt->finish;
    pause_ms(enough ? rt->finish : has / 2);
    FILE *file = enough && rt->finishes ? fopen(rt->finishes, "a") : NULL;
    if (file) {
        fputs("finished\n", file);
        fclose(file);
    }
    free(rt->finishes);
    log_line(rt, RESTY_FFI_LOG_NOTICE, enough ? "finished" : "could not finish");
    resty_ffi_finish(rt->q, 0);
}

static void *poller(void *arg)
{
    struct runtime *rt = arg;
    resty_ffi_frame f[BATCH];
    int n, epoll = rt->wait == 'p' ? -1 : open_epoll(rt);
    while (!atomic_load(&rt->closing) &&
           (n = epoll < 0 ? resty_ffi_poll(rt->q, f, BATCH, -1) : poll_by_descriptor(rt, epoll, f)) > 0)
        for (int k = 0; k < n; k++)
            handle(rt, &f[k]);
    if (epoll >= 0)
        close(epoll);
    if (atomic_fetch_sub(&rt->polling, 1) > 1)
        return NULL;
    /* The last one ends the runtime. */
    cancel(rt, 0, true);
    streams_free(rt->streams);
    while (atomic_load(&rt->sleeping))
        pause_ms(1);
    while (rt->asked) {
        struct dict_wait *w = rt->asked;
        rt->asked = w->next;
        free(w);
    }
    resty_ffi_queue *q = rt->q;
    if (rt->finish)
        finish(rt);
    if (rt->farewell) {
        log_line(rt, RESTY_FFI_LOG_NOTICE, "logged at the end");
        fputs("printed at the end\n", stderr);
    }
    pthread_mutex_destroy(&rt->lock);
    free(rt);
    resty_ffi_close(q);
    return NULL;
}

static const char *option(const char *cfg, const char *name)
{
    const char *at = cfg ? strstr(cfg, name) : NULL;
    return at ? at + strlen(name) : NULL;
}

int libffi_init(char *cfg, void *tq)
{
    struct runtime *rt = calloc(1, sizeof *rt);
    const char *threads = option(cfg, "threads="), *wait = option(cfg, "wait="), *pause = option(cfg, "pause=");
    const char *work = option(cfg, "finish=");
    if (!rt)
        return 1;
    rt->q = tq;
    rt->threads = threads ? atoi(threads) : 1;
    rt->wait = wait ? *wait : 'p';
    rt->finish = work ? atoi(work) : 0;
    rt->stubborn = option(cfg, "stubborn") != NULL;
    rt->farewell = option(cfg, "farewell") != NULL;
    rt->streams = streams_new(tq);
    pthread_mutex_init(&rt->lock, NULL);
    atomic_init(&rt->polling, rt->threads);
    if (pause)
        pause_ms(atoi(pause));
    for (int k = 0, n = rt->threads; k < n; k++) {
        pthread_t t;
        if (pthread_create(&t, NULL, poller, rt) != 0)
            return 2;
        pthread_detach(t);
    }
    return 0;
}
