/* Version 1, function by function, on a queue whose host is the test itself. */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../channel/block.h"
#include "../../channel/replies.h"
#include "../../channel/requests.h"
#include "../../queue/abi1.h"
#include "../../queue/queue.h"
#include "../check.h"

static resty_ffi_queue q;
static struct rf_channel *const c = &q.ch;
static int waiting; /* replies drained and not looked at */

static void nothing(void *arg)
{
    (void)arg;
}

static void no_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
}

static const struct rf_queue_owner owner = {no_text, nothing, nothing};

static void set_up(void)
{
    char error[256];
    if (rf_channel_create(c, 4096, NULL, error, sizeof error))
        check_failed(__FILE__, __LINE__, "%s", error);
    q.owner = &owner;
    strcpy(c->h->name, "old");
}

static void tear_down(void)
{
    rf_abi1_free(atomic_load(&q.abi1));
    rf_channel_close(c, false);
}

/* As the host sends it: with a NUL behind that is not counted. */
static bool try_call(uint64_t id, const char *data, size_t len)
{
    struct rf_slot s = {.id = id, .kind = RESTY_FFI_CALL, .flags = RESTY_FFI_END};
    if (!data) {
        s.flags |= RESTY_FFI_NIL;
    } else {
        s.data = rf_block_take(c, len + 1);
        memcpy(c->base + s.data, data, len);
        c->base[s.data + len] = 0;
        s.len = len;
    }
    if (rf_requests_send(c, &s))
        return true;
    rf_block_give(c, s.data);
    return false;
}

static void call(uint64_t id, const char *data, size_t len)
{
    CHECK(try_call(id, data, len));
}

static bool next_reply(struct rf_slot *s, char *text, size_t size)
{
    if (!waiting)
        waiting = rf_replies_begin(c);
    if (!waiting)
        return false;
    rf_replies_take(c, --waiting, s);
    size_t n = s->len < size - 1 ? s->len : size - 1;
    memcpy(text, c->base + s->data, n);
    text[n] = 0;
    if (s->data)
        CHECK(rf_block_give(c, s->data));
    return true;
}

static struct rf_slot reply(char *text, size_t size)
{
    struct rf_slot s;
    CHECK(next_reply(&s, text, size));
    return s;
}

static char *copy(const char *text)
{
    char *out = malloc(strlen(text) + 1);
    strcpy(out, text);
    return out;
}

TEST(requests_arrive_as_they_were_sent)
{
    int len = -7;
    char text[64];
    set_up();
    call(1, "hello", 5);
    void *task = ngx_http_lua_ffi_task_poll(&q);
    CHECK(task);
    CHECK_TEXT(ngx_http_lua_ffi_get_req(task, &len), "hello"); /* ends with a NUL */
    CHECK_INT(len, 5);
    CHECK_TEXT(ngx_http_lua_ffi_get_req(task, NULL), "hello");
    ngx_http_lua_ffi_respond(task, 7, copy("world"), 5);
    struct rf_slot s = reply(text, sizeof text);
    CHECK_INT(s.id, 1);
    CHECK_INT(s.status, 7);
    CHECK_INT(s.flags, RESTY_FFI_END);
    CHECK_TEXT(text, "world");
    tear_down();
}

TEST(nil_empty_and_nul_requests)
{
    int len = -7;
    char text[64];
    set_up();
    call(1, NULL, 0);
    call(2, "", 0);
    call(3, "a\0b", 3);
    void *nil = ngx_http_lua_ffi_task_poll(&q), *empty = ngx_http_lua_ffi_task_poll(&q),
         *nul = ngx_http_lua_ffi_task_poll(&q);
    CHECK(!ngx_http_lua_ffi_get_req(nil, &len));
    CHECK_INT(len, 0);
    len = -7;
    CHECK_TEXT(ngx_http_lua_ffi_get_req(empty, &len), "");
    CHECK_INT(len, 0);
    CHECK(memcmp(ngx_http_lua_ffi_get_req(nul, &len), "a\0b", 4) == 0);
    CHECK_INT(len, 3);
    ngx_http_lua_ffi_respond(nil, 0, NULL, 0);
    ngx_http_lua_ffi_respond(empty, 0, copy(""), 0);
    ngx_http_lua_ffi_respond(nul, 0, NULL, 5);
    struct rf_slot s = reply(text, sizeof text);
    CHECK(s.flags & RESTY_FFI_NIL);
    s = reply(text, sizeof text);
    CHECK(!(s.flags & RESTY_FFI_NIL));
    CHECK_INT(s.len, 0);
    s = reply(text, sizeof text);
    CHECK(s.flags & RESTY_FFI_NIL); /* NULL is nil whatever the length */
    CHECK_INT(s.len, 0);
    tear_down();
}

/* As the original's own echoes in Python and Rust answer: strdup, and no length. */
TEST(an_answer_without_a_length_is_a_c_string)
{
    static const size_t sizes[] = {0, 1, 23, 24, 25, 255, 256, 4096, 1000000};
    set_up();
    char *text = malloc(1000002), *want = malloc(1000002);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        memset(want, 'a' + (int)k, sizes[k]);
        want[sizes[k]] = 0;
        call(k, "x", 1);
        ngx_http_lua_ffi_respond(ngx_http_lua_ffi_task_poll(&q), k % 2 ? 0 : 7, copy(want), 0);
        struct rf_slot s = reply(text, 1000002);
        CHECK_INT(s.status, k % 2 ? 0 : 7);
        CHECK_INT(s.flags, RESTY_FFI_END);
        CHECK_INT(s.len, sizes[k]);
        CHECK_TEXT(text, want);
    }
    free(text);
    free(want);
    tear_down();
}

TEST(a_c_string_without_its_nul_ends_with_its_block)
{
    char text[4096];
    set_up();
    for (size_t size = 1; size < 2000; size += 37) {
        char *rsp = malloc(size);
        size_t block = malloc_usable_size(rsp);
        memset(rsp, 'x', block);
        call(size, "x", 1);
        ngx_http_lua_ffi_respond(ngx_http_lua_ffi_task_poll(&q), 0, rsp, 0);
        struct rf_slot s = reply(text, sizeof text);
        CHECK_INT(s.len, block);
        CHECK_INT(strspn(text, "x"), block);
    }
    tear_down();
}

TEST(a_request_lives_until_its_answer)
{
    char text[64];
    set_up();
    call(1, "first", 5);
    void *task = ngx_http_lua_ffi_task_poll(&q);
    char *request = ngx_http_lua_ffi_get_req(task, NULL);
    call(2, "second", 6);
    void *other = ngx_http_lua_ffi_task_poll(&q);
    ngx_http_lua_ffi_respond(other, 0, NULL, 0);
    CHECK_TEXT(request, "first");
    uint64_t block = (uint64_t)(request - c->base);
    CHECK(rf_block_valid(c, block, 6));
    ngx_http_lua_ffi_respond(task, 0, NULL, 0);
    CHECK(!rf_block_valid(c, block, 6));
    reply(text, sizeof text);
    tear_down();
}

TEST(a_second_answer_is_refused_and_logged)
{
    char text[200];
    set_up();
    call(1, "x", 1);
    void *task = ngx_http_lua_ffi_task_poll(&q);
    ngx_http_lua_ffi_respond(task, 0, copy("first"), 5);
    ngx_http_lua_ffi_respond(task, 0, copy("second"), 6);
    ngx_http_lua_ffi_respond(task, 0, NULL, 0);
    CHECK_INT(reply(text, sizeof text).kind, RESTY_FFI_DATA);
    CHECK_TEXT(text, "first");
    for (int k = 0; k < 2; k++) {
        struct rf_slot s = reply(text, sizeof text);
        CHECK_INT(s.kind, RESTY_FFI_LOG);
        CHECK_INT(s.status, RESTY_FFI_LOG_ERR);
        CHECK_HAS(text, "old answered a task twice");
    }
    tear_down();
}

TEST(a_second_answer_hits_no_other_task)
{
    char text[200];
    struct rf_slot s;
    set_up();
    call(1, "x", 1);
    void *task = ngx_http_lua_ffi_task_poll(&q);
    ngx_http_lua_ffi_respond(task, 0, copy("first"), 5);
    /* Hundreds of calls later it comes again, while others wait. */
    void *open[100];
    for (uint64_t k = 0; k < 900; k++) {
        call(100 + k, "y", 1);
        void *t = ngx_http_lua_ffi_task_poll(&q);
        if (k >= 800)
            open[k - 800] = t;
        else
            ngx_http_lua_ffi_respond(t, 0, NULL, 0);
    }
    while (next_reply(&s, text, sizeof text))
        ;
    ngx_http_lua_ffi_respond(task, 0, copy("again"), 5);
    CHECK_INT(reply(text, sizeof text).kind, RESTY_FFI_LOG);
    CHECK(!next_reply(&s, text, sizeof text));
    for (int k = 0; k < 100; k++) {
        ngx_http_lua_ffi_respond(open[k], 0, copy("right"), 5);
        CHECK_INT(reply(text, sizeof text).id, 900 + k);
        CHECK_TEXT(text, "right");
    }
    tear_down();
}

TEST(a_negative_length_fails_the_call)
{
    static const int lengths[] = {-1, -1000000, INT32_MIN};
    char text[200];
    set_up();
    for (uint64_t k = 0; k < 3; k++) {
        call(k, "x", 1);
        ngx_http_lua_ffi_respond(ngx_http_lua_ffi_task_poll(&q), 0, copy("abc"), lengths[k]);
        CHECK_INT(reply(text, sizeof text).kind, RESTY_FFI_LOG);
        struct rf_slot s = reply(text, sizeof text);
        CHECK_INT(s.kind, RESTY_FFI_DATA);
        CHECK_INT(s.id, k);
        CHECK_INT(s.status, RESTY_FFI_BAD_ARGUMENT);
        CHECK_HAS(text, "negative");
    }
    tear_down();
}

TEST(other_frames_are_passed_over)
{
    char text[200];
    set_up();
    CHECK(rf_requests_send(c, &(struct rf_slot){.id = 1, .kind = RESTY_FFI_CANCEL}));
    uint64_t block = rf_block_take(c, 10);
    CHECK(rf_requests_send(c, &(struct rf_slot){.id = 1, .kind = RESTY_FFI_DATA, .data = block, .len = 10}));
    CHECK(rf_requests_send(c, &(struct rf_slot){.id = 2, .kind = RESTY_FFI_CALL})); /* a stream */
    call(3, "x", 1);
    void *task = ngx_http_lua_ffi_task_poll(&q);
    CHECK_TEXT(ngx_http_lua_ffi_get_req(task, NULL), "x");
    struct rf_slot s = reply(text, sizeof text);
    CHECK_INT(s.id, 2);
    CHECK_INT(s.status, RESTY_FFI_NO_METHOD);
    CHECK(!rf_block_valid(c, block, 1));
    ngx_http_lua_ffi_respond(task, 0, NULL, 0);
    tear_down();
}

TEST(unload_ends_poll_and_late_answers_are_ignored)
{
    char text[200];
    struct rf_slot s;
    int pipes[2];
    set_up();
    call(1, "x", 1);
    call(2, "y", 1);
    void *task = ngx_http_lua_ffi_task_poll(&q);
    atomic_store(&c->h->closed, 1);
    rf_requests_wake_all(c);
    void *other = ngx_http_lua_ffi_task_poll(&q); /* what waited is handed out first */
    CHECK(other);
    CHECK(!ngx_http_lua_ffi_task_poll(&q));
    CHECK(!ngx_http_lua_ffi_task_poll(&q));
    ngx_http_lua_ffi_respond(other, 0, copy("in time"), 7);
    CHECK_INT(reply(text, sizeof text).id, 2);
    CHECK(rf_queue_left(&q)); /* the host finds nobody inside, and ends it */
    CHECK(!ngx_http_lua_ffi_task_poll(&q));
    /* What comes now goes to standard error: the queue, and its log, are gone. */
    CHECK(pipe(pipes) == 0);
    int saved = dup(STDERR_FILENO);
    dup2(pipes[1], STDERR_FILENO);
    ngx_http_lua_ffi_respond(task, 0, copy("late"), 4);
    ngx_http_lua_ffi_respond(other, 0, NULL, -1);
    dup2(saved, STDERR_FILENO);
    ssize_t n = read(pipes[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    CHECK_HAS(text, "after its runtime was unloaded");
    CHECK(!next_reply(&s, text, sizeof text));
    tear_down();
    free(task); /* never answered: the record would go with the process */
}

TEST(the_host_waits_for_who_is_inside)
{
    set_up();
    CHECK(rf_queue_enter(&q));
    CHECK(!rf_queue_left(&q));
    CHECK(rf_queue_enter(&q)); /* not ended by having been asked */
    rf_queue_leave(&q);
    rf_queue_leave(&q);
    CHECK(rf_queue_left(&q));
    CHECK(!rf_queue_enter(&q));
    CHECK(rf_queue_left(&q));
    tear_down();
}

/* What a host and a runtime share, in a test where they are two processes. */
struct both {
    resty_ffi_queue q;
    int closes; /* how often the owner was told */
    bool left;  /* what the host was told */
};

static void count_close(void *arg)
{
    ((struct both *)arg)->closes++;
}

static const struct rf_queue_owner counting = {no_text, nothing, count_close};

/* A process that looks whether the runtime has left, and stops before. */
static pid_t start_host(struct both *b)
{
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        b->left = rf_queue_left(&b->q);
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSTOPPED(status));
    return pid;
}

/* One instruction further. False: it has ended. */
static bool step(pid_t host)
{
    int status;
    CHECK(ptrace(PTRACE_SINGLESTEP, host, NULL, NULL) == 0);
    CHECK(waitpid(host, &status, 0) == host);
    return WIFSTOPPED(status);
}

/*
 * The host changes the queue this number of times and stops. Then a thread of version 1 is on its way in, and another
 * thread closes the queue. False when the host makes fewer changes.
 */
static bool close_after(struct both *b, int changes)
{
    memset(b, 0, sizeof *b);
    b->q.owner = &counting;
    b->q.owner_arg = b;
    pid_t host = start_host(b);
    resty_ffi_queue before = b->q;
    bool runs = true;
    while (changes > 0 && (runs = step(host)))
        if (memcmp(&before, &b->q, sizeof before) != 0) {
            memcpy(&before, &b->q, sizeof before);
            changes--;
        }
    if (!runs)
        return false;
    atomic_fetch_add(&b->q.inside, 1);
    resty_ffi_close(&b->q);
    while (step(host))
        ;
    rf_queue_leave(&b->q);
    return true;
}

/* Either the host ends the queue or the runtime does, at whatever moment it closes it. */
TEST(a_close_counts_whenever_the_host_looks)
{
    struct both *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(b != MAP_FAILED);
    int changes = 0;
    for (; close_after(b, changes); changes++) {
        CHECK_INT(b->closes, changes == 0);
        CHECK_INT(b->left, changes > 0);
        CHECK(rf_queue_ended(&b->q));
        CHECK(rf_queue_left(&b->q));
    }
    CHECK_INT(changes, 2); /* as it was, and ended */
    munmap(b, sizeof *b);
}

/* ---- many threads ---- */

#define THREADS 4
#define CALLS (CHECK_SANITIZED ? 20000u : 200000u)
#define KEPT 32

static void *serve(void *arg)
{
    void *task, *kept[KEPT];
    int n = 0;
    (void)arg;
    while ((task = ngx_http_lua_ffi_task_poll(&q))) {
        /* Not in order, and some twice. */
        kept[n++] = task;
        if (n < KEPT)
            continue;
        while (n) {
            int len;
            char *request = ngx_http_lua_ffi_get_req(kept[--n], &len), *answer = malloc((size_t)len + 1);
            memcpy(answer, request, (size_t)len);
            ngx_http_lua_ffi_respond(kept[n], len, answer, len);
            if (n == 3)
                ngx_http_lua_ffi_respond(kept[n], 0, NULL, 0);
        }
    }
    while (n)
        ngx_http_lua_ffi_respond(kept[--n], 0, copy("rest"), 4);
    return NULL;
}

TEST(stress_each_task_is_answered_once)
{
    pthread_t t[THREADS];
    char text[256];
    struct rf_slot s;
    unsigned char *answered = calloc(CALLS, 1);
    uint32_t sent = 0, got = 0;
    bool closed = false;
    set_up();
    for (int k = 0; k < THREADS; k++)
        CHECK(pthread_create(&t[k], NULL, serve, NULL) == 0);
    while (got < CALLS) {
        for (int k = 0; k < 50 && sent < CALLS && sent - got < 4000; k++) {
            char request[32];
            int len = snprintf(request, sizeof request, "call %u", sent);
            if (!try_call(sent, request, (size_t)len))
                break; /* a thread was interrupted while it took a frame from the cell that is next */
            sent++;
        }
        if (sent == CALLS && !closed) {
            closed = true;
            atomic_store(&c->h->closed, 1);
            rf_requests_wake_all(c);
        }
        bool any = false;
        while (next_reply(&s, text, sizeof text)) {
            any = true;
            if (s.kind == RESTY_FFI_LOG)
                continue;
            char want[32];
            snprintf(want, sizeof want, "call %u", (unsigned)s.id);
            CHECK(s.id < CALLS);
            CHECK_INT(answered[s.id]++, 0);
            if (s.status)
                CHECK_TEXT(text, want);
            else
                CHECK_TEXT(text, "rest");
            got++;
        }
        if (!any)
            sched_yield();
    }
    for (int k = 0; k < THREADS; k++)
        pthread_join(t[k], NULL);
    CHECK(rf_queue_left(&q));
    free(answered);
    tear_down();
}
