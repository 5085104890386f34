/* Version 2, function by function, on a queue whose host is the test itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../channel/block.h"
#include "../../channel/replies.h"
#include "../../channel/requests.h"
#include "../../queue/queue.h"
#include "../check.h"

static resty_ffi_queue q;
static struct rf_channel *const c = &q.ch;
static int failed, ready, closed_count;
static char fail_text[64];

static void on_fail(void *arg, const char *text, size_t len)
{
    (void)arg;
    failed++;
    memcpy(fail_text, text, len);
    fail_text[len] = 0;
}

static void on_ready(void *arg)
{
    (void)arg;
    ready++;
}

static void on_closed(void *arg)
{
    (void)arg;
    closed_count++;
}

static const struct rf_queue_owner owner = {on_fail, on_ready, on_closed};

static void set_up(void)
{
    char error[256];
    if (rf_channel_create(c, 256, NULL, error, sizeof error))
        check_failed(__FILE__, __LINE__, "%s", error);
    q.owner = &owner;
}

static void tear_down(void)
{
    rf_channel_close(c, false);
}

static uint64_t block(const char *text)
{
    uint64_t b = rf_block_take(c, strlen(text));
    memcpy(c->base + b, text, strlen(text));
    return b;
}

static void call(uint64_t id, const char *text)
{
    struct rf_slot s = {.id = id, .kind = RESTY_FFI_CALL, .flags = RESTY_FFI_END};
    if (text && *text) {
        s.data = block(text);
        s.len = strlen(text);
    } else if (!text) {
        s.flags |= RESTY_FFI_NIL;
    }
    CHECK(rf_requests_send(c, &s));
}

/* The next reply; frees its payload after copying it as a string into text. */
static struct rf_slot reply(char *text, size_t size)
{
    static int waiting;
    struct rf_slot s;
    if (!waiting)
        waiting = rf_replies_begin(c);
    CHECK(waiting > 0);
    rf_replies_take(c, --waiting, &s);
    if (s.len)
        CHECK(rf_block_valid(c, s.data, s.len));
    size_t n = s.len < size - 1 ? s.len : size - 1;
    memcpy(text, c->base + s.data, n);
    text[n] = 0;
    if (s.data)
        CHECK(rf_block_give(c, s.data));
    return s;
}

static resty_ffi_frame data(uint64_t id, void *payload, uint64_t len, unsigned flags)
{
    return (resty_ffi_frame){
        .id = id, .kind = RESTY_FFI_DATA, .flags = (uint16_t)(RESTY_FFI_END | flags), .data = payload, .len = len};
}

TEST(poll_waits_as_long_as_it_is_told)
{
    resty_ffi_frame f;
    set_up();
    uint64_t start = check_now();
    CHECK_INT(resty_ffi_poll(&q, &f, 1, 0), 0);
    CHECK(check_now() - start < CHECK_QUICK_MS);
    start = check_now();
    CHECK_INT(resty_ffi_poll(&q, &f, 1, 60), 0);
    CHECK(check_now() - start >= 60);
    CHECK(check_now() - start < CHECK_QUICK_MS);
    CHECK_INT(resty_ffi_poll(&q, &f, 0, -1), 0);
    CHECK_INT(resty_ffi_poll(&q, &f, -1, -1), 0);
    tear_down();
}

TEST(poll_fills_in_every_field)
{
    resty_ffi_frame f[3];
    set_up();
    uint64_t b = block("hello");
    CHECK(rf_requests_send(c, &(struct rf_slot){.id = 77,
                                                .kind = RESTY_FFI_CALL,
                                                .flags = RESTY_FFI_END,
                                                .data = b,
                                                .len = 5,
                                                .deadline = 123,
                                                .method = 4}));
    CHECK(rf_requests_send(c, &(struct rf_slot){.id = 78, .kind = RESTY_FFI_WINDOW, .arg = 9, .status = -2}));
    memset(f, 0xff, sizeof f);
    CHECK_INT(resty_ffi_poll(&q, f, 3, -1), 2);
    CHECK_INT(f[0].id, 77);
    CHECK_INT(f[0].kind, RESTY_FFI_CALL);
    CHECK_INT(f[0].flags, RESTY_FFI_END);
    CHECK(f[0].data == c->base + b);
    CHECK_INT(f[0].len, 5);
    CHECK_INT(f[0].deadline, 123);
    CHECK_INT(f[0].method, 4);
    CHECK(f[0].release == NULL);
    CHECK(f[1].data == NULL);
    CHECK_INT(f[1].arg, 9);
    CHECK_INT(f[1].status, -2);
    tear_down();
}

TEST(poll_takes_no_more_than_asked_and_loses_nothing)
{
    resty_ffi_frame f[200];
    set_up();
    for (uint64_t k = 0; k < 150; k++)
        call(k, NULL);
    CHECK_INT(resty_ffi_poll(&q, f, 3, -1), 3);
    uint64_t next = 3;
    while (next < 150) {
        int n = resty_ffi_poll(&q, f, 200, 0);
        CHECK(n > 0);
        for (int k = 0; k < n; k++)
            CHECK_INT(f[k].id, next++);
    }
    CHECK_INT(resty_ffi_poll(&q, f, 200, 0), 0);
    tear_down();
}

TEST(a_payload_moves_into_the_answer)
{
    resty_ffi_frame f;
    char text[32];
    set_up();
    call(1, "hello");
    CHECK_INT(resty_ffi_poll(&q, &f, 1, -1), 1);
    void *where = f.data;
    f = data(1, f.data, f.len, 0);
    CHECK_INT(resty_ffi_send(&q, &f, 1), 1);
    struct rf_slot s = reply(text, sizeof text);
    CHECK(c->base + s.data == (char *)where);
    CHECK_INT(s.id, 1);
    CHECK_INT(s.flags, RESTY_FFI_END);
    CHECK_TEXT(text, "hello");
    tear_down();
}

TEST(copy_takes_the_senders_own_memory)
{
    char own[] = "my own", text[32];
    set_up();
    resty_ffi_frame f = data(5, own, 6, RESTY_FFI_COPY);
    f.status = 12;
    CHECK_INT(resty_ffi_send(&q, &f, 1), 1);
    memset(own, 'x', 6);
    struct rf_slot s = reply(text, sizeof text);
    CHECK_TEXT(text, "my own");
    CHECK_INT(s.status, 12);
    CHECK_INT(s.flags, RESTY_FFI_END);
    tear_down();
}

TEST(copies_up_to_the_limit)
{
    char text[100], *large = calloc(1, RF_MAX_PAYLOAD + 1);
    set_up();
    CHECK(large);
    resty_ffi_frame f = data(5, large, RF_MAX_PAYLOAD, RESTY_FFI_COPY);
    CHECK_INT(resty_ffi_send(&q, &f, 1), 1);
    struct rf_slot s = reply(text, sizeof text);
    CHECK_INT(s.status, 0);
    CHECK_INT(s.len, RF_MAX_PAYLOAD);
    f = data(6, large, RF_MAX_PAYLOAD + 1, RESTY_FFI_COPY);
    CHECK_INT(resty_ffi_send(&q, &f, 1), 1);
    CHECK_INT(reply(text, sizeof text).status, RESTY_FFI_TOO_LARGE);
    free(large);
    tear_down();
}

TEST(nil_and_empty_are_kept_apart)
{
    char text[32];
    set_up();
    resty_ffi_frame f[6] = {
        data(1, NULL, 0, RESTY_FFI_NIL),       data(2, NULL, 0, 0),
        data(3, "", 0, RESTY_FFI_COPY),        data(4, "ignored", 7, RESTY_FFI_COPY | RESTY_FFI_NIL),
        data(5, resty_ffi_alloc(&q, 0), 0, 0), data(6, resty_ffi_alloc(&q, 9), 9, RESTY_FFI_NIL)};
    void *five = f[4].data, *six = f[5].data;
    CHECK_INT(resty_ffi_send(&q, f, 6), 6);
    for (uint64_t id = 1; id <= 6; id++) {
        struct rf_slot s = reply(text, sizeof text);
        CHECK_INT(s.id, id);
        CHECK_INT(s.len, 0);
        CHECK_INT(s.data, 0);
        CHECK_INT(s.status, 0);
        CHECK_INT((s.flags & RESTY_FFI_NIL) != 0, id == 1 || id == 4 || id == 6);
    }
    /* The memory behind an empty answer was taken all the same. */
    CHECK(!rf_block_valid(c, (uint64_t)((char *)five - c->base), 1));
    CHECK(!rf_block_valid(c, (uint64_t)((char *)six - c->base), 1));
    tear_down();
}

TEST(release_frees_what_was_polled)
{
    resty_ffi_frame f;
    char text[32];
    set_up();
    call(1, "request");
    CHECK_INT(resty_ffi_poll(&q, &f, 1, -1), 1);
    uint64_t was = (uint64_t)((char *)f.data - c->base);
    void *polled = f.data;
    f = data(1, f.data, f.len, RESTY_FFI_COPY);
    f.release = polled;
    CHECK(rf_block_valid(c, was, 1));
    resty_ffi_send(&q, &f, 1);
    CHECK(!rf_block_valid(c, was, 1));
    reply(text, sizeof text);
    CHECK_TEXT(text, "request"); /* copied before it was freed */
    tear_down();
}

TEST(a_long_batch_keeps_its_order)
{
    enum { N = 400 };
    static resty_ffi_frame f[N];
    char text[32];
    set_up();
    for (int k = 0; k < N; k++) {
        f[k] = data((uint64_t)k, resty_ffi_alloc(&q, 20), 0, 0);
        f[k].len = (uint64_t)snprintf(f[k].data, 20, "number %d", k);
    }
    CHECK_INT(resty_ffi_send(&q, f, N), N);
    for (int k = 0; k < N; k++) {
        char want[32];
        snprintf(want, sizeof want, "number %d", k);
        CHECK_INT(reply(text, sizeof text).id, k);
        CHECK_TEXT(text, want);
    }
    CHECK_INT(resty_ffi_send(&q, f, 0), 0);
    tear_down();
}

TEST(a_payload_that_is_not_the_queues_becomes_an_error)
{
    static char own[] = "mine";
    char text[128];
    set_up();
    char *inside = resty_ffi_alloc(&q, 1000);
    char *freed = resty_ffi_alloc(&q, 1000);
    resty_ffi_free(&q, freed);
    const resty_ffi_frame f[] = {data(1, own, 4, 0),  data(2, inside + 64, 4, 0), data(3, freed, 4, 0),
                                 data(4, NULL, 4, 0), data(5, c->base, 4, 0),     data(6, (void *)8, 4, 0)};
    CHECK_INT(resty_ffi_send(&q, f, 6), 6);
    for (uint64_t id = 1; id <= 6; id++) {
        struct rf_slot s = reply(text, sizeof text);
        CHECK_INT(s.id, id);
        CHECK_INT(s.status, RESTY_FFI_BAD_ARGUMENT);
        CHECK_INT(s.flags, RESTY_FFI_END);
        CHECK_HAS(text, "memory");
    }
    tear_down();
}

TEST(a_length_beyond_the_block_becomes_an_error_and_leaks_nothing)
{
    char text[128];
    set_up();
    for (int k = 0; k < 100; k++) {
        void *p = resty_ffi_alloc(&q, 200);
        resty_ffi_frame f = data(1, p, 257, 0);
        resty_ffi_send(&q, &f, 1);
        CHECK_INT(reply(text, sizeof text).status, RESTY_FFI_BAD_ARGUMENT);
        CHECK(!rf_block_valid(c, (uint64_t)((char *)p - c->base), 1));
    }
    CHECK(atomic_load(&c->h->blocks[0].fresh) < 10);
    tear_down();
}

TEST(an_answer_above_the_limit_becomes_an_error)
{
    char text[128];
    set_up();
    resty_ffi_frame f = data(1, text, RF_MAX_PAYLOAD + 1, RESTY_FFI_COPY);
    resty_ffi_send(&q, &f, 1);
    CHECK_INT(reply(text, sizeof text).status, RESTY_FFI_TOO_LARGE);
    CHECK_HAS(text, "limit");
    tear_down();
}

TEST(an_answer_without_memory_becomes_an_error)
{
    static char large[70000];
    char text[128];
    set_up();
    /* All that holds as much is taken: nothing is touched. */
    int n = 0;
    while (resty_ffi_alloc(&q, sizeof large))
        n++;
    CHECK(n >= 1024);
    resty_ffi_frame f = data(1, large, sizeof large, RESTY_FFI_COPY);
    resty_ffi_send(&q, &f, 1);
    CHECK_INT(reply(text, sizeof text).status, RESTY_FFI_QUEUE_FULL);
    CHECK_HAS(text, "memory");
    CHECK(resty_ffi_alloc(&q, 100)); /* smaller ones are there */
    tear_down();
}

TEST(alloc_serves_every_size_up_to_the_limit)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4095, 4096, 65536, 1 << 20, 100 << 20, RF_MAX_PAYLOAD};
    size_t len;
    set_up();
    char *memory = resty_ffi_memory(&q, &len);
    CHECK(memory == c->base + c->at.memory);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        char *p = resty_ffi_alloc(&q, sizes[k]);
        CHECK(p);
        CHECK_INT((uintptr_t)p % 64, 0);
        CHECK(p >= memory && p + sizes[k] <= memory + len);
        if (sizes[k])
            p[0] = p[sizes[k] - 1] = 1;
        resty_ffi_free(&q, p);
    }
    CHECK(!resty_ffi_alloc(&q, RF_MAX_PAYLOAD + 1));
    CHECK(!resty_ffi_alloc(&q, (size_t)-1));
    CHECK_INT(rf_replies_begin(c), 0); /* nothing was logged */
    tear_down();
}

TEST(alloc_n_serves_what_it_can)
{
    resty_ffi_frame f[4] = {{.len = 10}, {.len = RF_MAX_PAYLOAD + 1}, {.len = 0}, {.len = 5000}};
    set_up();
    CHECK_INT(resty_ffi_alloc_n(&q, f, 4), 3);
    CHECK(f[0].data && !f[1].data && f[2].data && f[3].data);
    CHECK_INT(resty_ffi_alloc_n(&q, f, 0), 0);
    tear_down();
}

TEST(free_refuses_and_logs_what_is_no_payload)
{
    static char own[8];
    char text[256];
    set_up();
    resty_ffi_free(&q, NULL);
    CHECK_INT(rf_replies_begin(c), 0);
    void *p = resty_ffi_alloc(&q, 10);
    resty_ffi_free(&q, p);
    void *const wrong[] = {p, own, c->base, (char *)p + 1};
    for (size_t k = 0; k < 4; k++) {
        resty_ffi_free(&q, wrong[k]);
        struct rf_slot s = reply(text, sizeof text);
        CHECK_INT(s.kind, RESTY_FFI_LOG);
        CHECK_INT(s.status, RESTY_FFI_LOG_ERR);
        CHECK_HAS(text, "resty_ffi_free");
    }
    tear_down();
}

TEST(methods_have_names)
{
    size_t len;
    set_up();
    CHECK(!resty_ffi_method(&q, 0, &len));
    strcpy(c->base + c->at.method_names, "echo");
    strcpy(c->base + c->at.method_names + RF_METHOD_BYTES, "xor");
    atomic_store(&c->h->methods, 2);
    CHECK_TEXT(resty_ffi_method(&q, 0, &len), "echo");
    CHECK_INT(len, 4);
    CHECK_TEXT(resty_ffi_method(&q, 1, NULL), "xor");
    CHECK(!resty_ffi_method(&q, 2, NULL));
    CHECK(!resty_ffi_method(&q, 0xffffffff, NULL));
    tear_down();
}

TEST(config_may_be_nil_empty_or_binary)
{
    size_t len = 99;
    set_up();
    CHECK(!resty_ffi_config(&q, &len));
    CHECK_INT(len, 0);
    c->h->has_config = 1;
    c->h->config = rf_block_take(c, 4);
    memcpy(c->base + c->h->config, "a\0b", 4);
    CHECK(resty_ffi_config(&q, &len));
    CHECK_INT(len, 0);
    c->h->config_len = 3;
    CHECK(memcmp(resty_ffi_config(&q, &len), "a\0b", 4) == 0);
    CHECK_INT(len, 3);
    CHECK(resty_ffi_config(&q, NULL));
    strcpy(c->h->name, "somebody");
    CHECK_TEXT(resty_ffi_name(&q), "somebody");
    tear_down();
}

TEST(the_owner_is_told_and_close_counts_once)
{
    set_up();
    resty_ffi_fail(&q, "no licence", 10);
    CHECK_INT(failed, 1);
    CHECK_TEXT(fail_text, "no licence");
    resty_ffi_ready(&q);
    CHECK_INT(ready, 1);
    resty_ffi_close(&q);
    resty_ffi_close(&q);
    CHECK_INT(closed_count, 1);
    tear_down();
}

TEST(send_after_close_is_refused)
{
    set_up();
    resty_ffi_close(&q);
    resty_ffi_frame f = data(1, "late", 4, RESTY_FFI_COPY);
    CHECK_INT(resty_ffi_send(&q, &f, 1), RESTY_FFI_UNLOADED);
    CHECK_INT(rf_replies_begin(c), 0);
    tear_down();
}

TEST(the_version_is_2)
{
    CHECK_INT(resty_ffi_abi(), 2);
}
