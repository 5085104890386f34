/* Calls as a host sees them: submit, answers, cancellation, limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../channel/layout.h"
#include "../../loop/call.h"
#include "../check.h"
#include "../host.h"

static struct host h;
static resty_ffi_runtime *rt;
static resty_ffi_call *call;

static void set_up(const char *lib, const char *cfg, uint32_t max_queue)
{
    resty_ffi_options o = host_thread;
    o.max_queue = max_queue;
    host_open(&h);
    rt = host_load(&h, lib, cfg, &o);
    call = resty_ffi_call_new(h.loop);
}

static void tear_down(void)
{
    resty_ffi_call_free(call);
    host_close(&h);
}

static resty_ffi_stats stats(void)
{
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    return s;
}

static uint64_t id_of(const resty_ffi_call *c)
{
    const struct rf_call *own = (const struct rf_call *)c;
    return (uint64_t)own->generation << 32 | (own->index + 1);
}

TEST(payloads_of_all_sizes_come_back)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 255, 256, 4095, 4096, 65535, 65536, 1 << 20, 16 << 20, 100 << 20};
    set_up("ffi_c_methods", NULL, 0);
    int method = resty_ffi_runtime_method(rt, "xor", 3);
    size_t n = sizeof sizes / sizeof *sizes - CHECK_SANITIZED, largest = sizes[n - 1];
    unsigned char *data = malloc(largest);
    for (size_t k = 0; k < largest; k++)
        data[k] = (unsigned char)(k ^ k >> 8);
    for (size_t k = 0; k < n; k++) {
        CHECK_INT(resty_ffi_call_submit(rt, call, (uint32_t)method, (char *)data, sizes[k], 0), 0);
        host_wait(&h, call, 20000);
        CHECK_INT(call->status, 0);
        CHECK_INT(call->nil, 0);
        CHECK_INT(call->len, sizes[k]);
        for (size_t j = 0; j<sizes[k]; j += sizes[k]> 4096 ? 4093 : 1)
            CHECK_INT((unsigned char)call->data[j], data[j] ^ 0x5a);
    }
    free(data);
    tear_down();
}

TEST(nil_and_empty_stay_apart)
{
    set_up("ffi_c_methods", NULL, 0);
    host_expect(&h, rt, "nilreq", NULL, "nil");
    host_expect(&h, rt, "nilreq", "", "empty");
    host_expect(&h, rt, "nilreq", "x", "bytes");
    CHECK_INT(host_call(&h, rt, call, "empty", NULL), 0);
    CHECK(!call->nil && call->len == 0 && call->data);
    CHECK_INT(host_call(&h, rt, call, "none", "x"), 0);
    CHECK(call->nil);
    tear_down();
}

TEST(errors_carry_code_and_text)
{
    set_up("ffi_c_methods", NULL, 0);
    CHECK_INT(host_call(&h, rt, call, "fail", "42 went wrong"), 42);
    CHECK_TEXT(host_answer(call), "went wrong");
    CHECK_INT(host_call(&h, rt, call, "throw", NULL), RESTY_FFI_THREW);
    CHECK_INT(host_call(&h, rt, call, "no such", NULL), RESTY_FFI_NO_METHOD);
    CHECK_HAS(host_answer(call), "no such");
    host_expect(&h, rt, "echo", "still here", "still here");
    tear_down();
}

TEST(many_in_flight_come_back_right)
{
    enum { IN_FLIGHT = 64 };
    uint32_t calls = CHECK_SANITIZED ? 5000 : 50000;
    resty_ffi_call *own[IN_FLIGHT], *done;
    char *sent[IN_FLIGHT];
    uint64_t lengths[IN_FLIGHT];
    uint64_t seed = 9;
    uint32_t started = 0, ended = 0;
    set_up("ffi_c_methods", "threads=2", 0);
    int method = resty_ffi_runtime_method(rt, "echo", 4);
    for (int k = 0; k < IN_FLIGHT; k++) {
        own[k] = resty_ffi_call_new(h.loop);
        own[k]->user = (void *)(intptr_t)k;
        sent[k] = malloc(8192);
    }
    while (ended < calls) {
        for (int k = 0; k < IN_FLIGHT && started < calls; k++) {
            if (own[k]->state == RESTY_FFI_IN_FLIGHT)
                continue;
            uint64_t len = check_random(&seed) % 8192;
            memset(sent[k], (int)started, len);
            if (len >= 4)
                memcpy(sent[k], &started, 4);
            lengths[k] = len;
            CHECK_INT(resty_ffi_call_submit(rt, own[k], (uint32_t)method, sent[k], len, 0), 0);
            started++;
        }
        resty_ffi_pull_run(h.pull, 10000);
        while ((done = resty_ffi_pull_done(h.pull))) {
            int k = (int)(intptr_t)done->user;
            CHECK_INT(done->status, 0);
            CHECK_INT(done->len, lengths[k]);
            CHECK(memcmp(done->data, sent[k], lengths[k]) == 0);
            resty_ffi_call_release(done);
            ended++;
        }
    }
    CHECK_INT(stats().calls, calls);
    CHECK_INT(stats().answered, calls);
    CHECK_INT(stats().in_flight, 0);
    CHECK_INT(resty_ffi_loop_in_flight(h.loop), 0);
    for (int k = 0; k < IN_FLIGHT; k++) {
        resty_ffi_call_free(own[k]);
        free(sent[k]);
    }
    tear_down();
}

TEST(a_late_answer_is_dropped_and_counted)
{
    set_up("ffi_c_methods", NULL, 0);
    CHECK_INT(host_submit(rt, call, "block", "100"), 0);
    host_rest(&h, 20);
    resty_ffi_call_cancel(call, RESTY_FFI_TIMEOUT);
    CHECK_INT(call->state, RESTY_FFI_IDLE);
    CHECK_INT(stats().timed_out, 1);
    CHECK_INT(stats().in_flight, 0);
    /* The same call serves again while the first answer is still to come. */
    CHECK_INT(host_call(&h, rt, call, "echo", "second"), 0);
    CHECK_TEXT(host_answer(call), "second");
    host_rest(&h, 50);
    CHECK_TEXT(host_answer(call), "second");
    CHECK_INT(stats().late, 1);
    CHECK(!host_logged(&h, "not open"));
    tear_down();
}

TEST(a_handler_sees_its_cancellation)
{
    set_up("ffi_c_methods", NULL, 0);
    for (int k = 0; k < 10; k++) {
        CHECK_INT(host_submit(rt, call, "never", NULL), 0);
        host_rest(&h, 2);
        resty_ffi_call_cancel(call, RESTY_FFI_CANCELLED);
    }
    host_expect(&h, rt, "cancelled", NULL, "10");
    CHECK_INT(stats().cancelled, 10);
    CHECK_INT(stats().late, 10);
    resty_ffi_call_cancel(call, RESTY_FFI_CANCELLED); /* nothing in flight */
    CHECK_INT(stats().cancelled, 10);
    tear_down();
}

TEST(freeing_a_call_in_flight_cancels_it)
{
    set_up("ffi_c_methods", NULL, 0);
    for (int k = 0; k < 100; k++) {
        resty_ffi_call *c = resty_ffi_call_new(h.loop);
        CHECK_INT(host_submit(rt, c, "never", NULL), 0);
        resty_ffi_call_free(c);
    }
    resty_ffi_call_free(NULL);
    CHECK_SOON((host_run(&h, 0), stats().late == 100), 20000);
    CHECK_INT(resty_ffi_loop_in_flight(h.loop), 0);
    tear_down();
}

TEST(answers_to_calls_that_are_not_open_are_dropped)
{
    static const char *const ids[] = {"0", "1", "ffffffffffffffff", "100000001", "80000000ffffffff"};
    char hex[32];
    set_up("ffi_c_methods", NULL, 0);
    for (size_t k = 0; k < sizeof ids / sizeof *ids; k++)
        host_expect(&h, rt, "forge", ids[k], "done");
    CHECK(host_logged(&h, "5 ffi_c_methods: answered a call that is not open"));
    host_expect(&h, rt, "double", NULL, "first");
    /* An id that was answered before. */
    CHECK_INT(host_call(&h, rt, call, "echo", "x"), 0);
    snprintf(hex, sizeof hex, "%llx", (unsigned long long)id_of(call));
    host_expect(&h, rt, "forge", hex, "done");
    CHECK_TEXT(host_answer(call), "x");
    tear_down();
}

TEST(a_runtime_cannot_answer_the_calls_of_another)
{
    char hex[32];
    set_up("ffi_c_methods", NULL, 0);
    resty_ffi_runtime *other = host_load(&h, "ffi_c_methods", "threads=1", &host_thread);
    CHECK_INT(host_submit(rt, call, "never", NULL), 0);
    snprintf(hex, sizeof hex, "%llx", (unsigned long long)id_of(call));
    host_expect(&h, other, "forge", hex, "done");
    host_rest(&h, 20);
    CHECK_INT(call->state, RESTY_FFI_IN_FLIGHT);
    host_expect(&h, rt, "forge", hex, "done"); /* its own runtime can */
    CHECK_INT(call->state, RESTY_FFI_DONE);
    CHECK_TEXT(host_answer(call), "forged");
    tear_down();
}

TEST(wrong_payloads_of_a_runtime_are_errors_of_the_call)
{
    set_up("ffi_c_methods", NULL, 0);
    CHECK_INT(host_call(&h, rt, call, "abroad", "x"), RESTY_FFI_BAD_ARGUMENT);
    CHECK_INT(host_call(&h, rt, call, "overlong", "x"), RESTY_FFI_BAD_ARGUMENT);
    CHECK_INT(host_call(&h, rt, call, "large", "x"), RESTY_FFI_TOO_LARGE);
    host_expect(&h, rt, "echo", "fine", "fine");
    tear_down();
}

TEST(a_full_queue_answers_at_once)
{
    static const uint32_t sizes[] = {1, 2, 5};
    for (size_t k = 0; k < 3; k++) {
        resty_ffi_call *waiting[8];
        set_up("ffi_c_methods", NULL, sizes[k]);
        CHECK_INT(host_submit(rt, call, "block", "1000"), 0);
        CHECK_SOON((host_run(&h, 1), stats().queued == 0), 20000); /* the runtime has taken it and is busy */
        for (uint32_t j = 0; j < sizes[k]; j++)
            CHECK_INT(host_submit(rt, waiting[j] = resty_ffi_call_new(h.loop), "echo", "x"), 0);
        resty_ffi_call *one_more = resty_ffi_call_new(h.loop);
        CHECK_INT(host_submit(rt, one_more, "echo", "x"), RESTY_FFI_QUEUE_FULL);
        CHECK_INT(one_more->state, RESTY_FFI_IDLE);
        CHECK_HAS(resty_ffi_runtime_explain(rt, RESTY_FFI_QUEUE_FULL), "queue full");
        CHECK_INT(stats().queue_full, 1);
        host_wait(&h, call, 20000);
        for (uint32_t j = 0; j < sizes[k]; j++) {
            host_wait(&h, waiting[j], 20000);
            CHECK_INT(waiting[j]->status, 0);
            resty_ffi_call_free(waiting[j]);
        }
        CHECK_INT(host_call(&h, rt, one_more, "echo", "x"), 0);
        resty_ffi_call_free(one_more);
        tear_down();
    }
}

TEST(a_cancellation_fits_into_a_full_queue)
{
    set_up("ffi_c_methods", NULL, 1);
    resty_ffi_call *busy = resty_ffi_call_new(h.loop), *waiting = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(rt, call, "never", NULL), 0);
    CHECK_SOON((host_run(&h, 1), stats().queued == 0), 20000);
    CHECK_INT(host_submit(rt, busy, "block", "1000"), 0);
    CHECK_SOON((host_run(&h, 1), stats().queued == 0), 20000);
    CHECK_INT(host_submit(rt, waiting, "echo", "x"), 0);
    resty_ffi_call_cancel(call, RESTY_FFI_CANCELLED);
    CHECK_INT(host_submit(rt, call, "echo", "x"), RESTY_FFI_QUEUE_FULL);
    host_wait(&h, waiting, 20000);
    host_expect(&h, rt, "cancelled", NULL, "1");
    resty_ffi_call_free(busy);
    resty_ffi_call_free(waiting);
    tear_down();
}

TEST(a_payload_above_the_limit_is_refused_at_once)
{
    set_up("ffi_c_methods", NULL, 0);
    int method = resty_ffi_runtime_method(rt, "echo", 4);
    CHECK_INT(resty_ffi_call_submit(rt, call, (uint32_t)method, "", RF_MAX_PAYLOAD + 1, 0), RESTY_FFI_TOO_LARGE);
    CHECK_INT(resty_ffi_call_submit(rt, call, (uint32_t)method, "", ~(uint64_t)0, 0), RESTY_FFI_TOO_LARGE);
    CHECK_HAS(resty_ffi_runtime_explain(rt, RESTY_FFI_TOO_LARGE), "too large");
    host_expect(&h, rt, "echo", "x", "x");
    tear_down();
}

TEST(misuse_by_the_host_is_refused)
{
    set_up("ffi_c_methods", NULL, 0);
    CHECK_INT(resty_ffi_call_submit(rt, call, 0, "", 0, 0), RESTY_FFI_BAD_ARGUMENT); /* no method was named yet */
    CHECK_INT(host_submit(rt, call, "never", NULL), 0);
    CHECK_INT(host_submit(rt, call, "echo", NULL), RESTY_FFI_BAD_ARGUMENT); /* it is in flight */
    CHECK_INT(call->state, RESTY_FFI_IN_FLIGHT);
    CHECK_INT(resty_ffi_call_submit(rt, call, 4000, "", 0, 0), RESTY_FFI_BAD_ARGUMENT);
    resty_ffi_call_release(call); /* nothing to release */
    CHECK_INT(call->state, RESTY_FFI_IN_FLIGHT);
    tear_down();
}

TEST(methods_are_numbered_once)
{
    char name[200];
    memset(name, 'n', sizeof name);
    set_up("ffi_c_methods", NULL, 0);
    int echo = resty_ffi_runtime_method(rt, "echo", 4), xor = resty_ffi_runtime_method(rt, "xor", 3);
    CHECK(echo >= 0 && xor >= 0 && echo != xor);
    CHECK_INT(resty_ffi_runtime_method(rt, "echo", 4), echo);
    CHECK(resty_ffi_runtime_method(rt, "ech", 3) != echo);
    CHECK_INT(resty_ffi_runtime_method(rt, "", 0), RESTY_FFI_BAD_ARGUMENT);
    CHECK_INT(resty_ffi_runtime_method(rt, "a\0b", 3), RESTY_FFI_BAD_ARGUMENT);
    CHECK_INT(resty_ffi_runtime_method(rt, name, 128), RESTY_FFI_BAD_ARGUMENT);
    CHECK(resty_ffi_runtime_method(rt, name, 127) >= 0);
    int n = 0;
    for (; n < 10000; n++) {
        snprintf(name, sizeof name, "method %d", n);
        int number = resty_ffi_runtime_method(rt, name, strlen(name));
        if (number < 0) {
            CHECK_INT(number, RESTY_FFI_NO_METHOD); /* the table is full */
            break;
        }
    }
    CHECK(n > 4000 && n < 4096);
    CHECK_INT(resty_ffi_runtime_method(rt, "echo", 4), echo);
    host_expect(&h, rt, "echo", "x", "x");
    CHECK_INT(host_call(&h, rt, call, "method 4000", NULL), RESTY_FFI_NO_METHOD);
    CHECK_HAS(host_answer(call), "\"method 4000\"");
    tear_down();
}

TEST(deadlines_reach_the_handler)
{
    set_up("ffi_c_methods", NULL, 0);
    int method = resty_ffi_runtime_method(rt, "remaining", 9);
    CHECK_INT(resty_ffi_call_submit(rt, call, (uint32_t)method, NULL, 0, 5000), 0);
    host_wait(&h, call, 20000);
    int left = atoi(host_answer(call));
    CHECK(left > 3000 && left <= 5000);
    host_expect(&h, rt, "remaining", NULL, "-1");
    tear_down();
}

static void cancel_it(void *arg, resty_ffi_call *c)
{
    ++*(int *)arg;
    resty_ffi_call_cancel(c, RESTY_FFI_TIMEOUT);
}

TEST(a_host_can_visit_and_cancel_what_is_in_flight)
{
    resty_ffi_call *calls[100];
    int visited = 0;
    set_up("ffi_c_methods", NULL, 0);
    for (int k = 0; k < 100; k++)
        CHECK_INT(host_submit(rt, calls[k] = resty_ffi_call_new(h.loop), k % 2 ? "never" : "echo", "x"), 0);
    CHECK_SOON((host_run(&h, 0), resty_ffi_loop_in_flight(h.loop) == 50), 20000);
    CHECK(resty_ffi_call_host(call) == (void *)h.pull);
    resty_ffi_loop_each_call(h.loop, cancel_it, &visited);
    CHECK_INT(visited, 50);
    CHECK_INT(resty_ffi_loop_in_flight(h.loop), 0);
    CHECK_INT(stats().timed_out, 50);
    resty_ffi_loop_each_call(h.loop, cancel_it, &visited);
    CHECK_INT(visited, 50);
    for (int k = 0; k < 100; k++)
        resty_ffi_call_free(calls[k]);
    tear_down();
}

TEST(thousands_of_time_outs_leave_memory_as_it_was)
{
    char request[3000];
    memset(request, 'r', sizeof request - 1);
    request[sizeof request - 1] = 0;
    set_up("ffi_c_methods", NULL, 0);
    long before = 0;
    for (int k = 0; k < 10000; k++) {
        if (k == 1000)
            before = check_resident_kb();
        int rc = host_submit(rt, call, "never", request);
        if (rc == RESTY_FFI_QUEUE_FULL)
            host_rest(&h, 1);
        else
            CHECK_INT(rc, 0);
        if (k % 100 == 0)
            host_run(&h, 1);
        resty_ffi_call_cancel(call, RESTY_FFI_TIMEOUT);
    }
    CHECK_SOON((host_run(&h, 1), stats().late == stats().timed_out), 20000);
    /* At worst all requests wait at once: 4 KB each. Afterwards that memory is used again. */
    long most = 10000 * 4 + 4096;
    CHECK(check_resident_kb() - before < (CHECK_SANITIZED ? 4 * most : most));
    long filled = check_resident_kb();
    for (int k = 0; k < 10000; k++) {
        CHECK_INT(host_submit(rt, call, "never", request), 0);
        resty_ffi_call_cancel(call, RESTY_FFI_TIMEOUT);
        /* However busy the machine is: no more than these wait at once. */
        if (k % 1000 == 999)
            CHECK_SOON((host_run(&h, 1), stats().late == stats().timed_out), 20000);
    }
    CHECK(check_resident_kb() - filled < (CHECK_SANITIZED ? 60000 : 8000));
    tear_down();
}

TEST(an_answer_stays_until_it_is_released)
{
    enum { N = 300 };
    resty_ffi_call *calls[N];
    set_up("ffi_c_methods", NULL, 0);
    char text[32];
    for (int k = 0; k < N; k++) {
        snprintf(text, sizeof text, "answer %d", k);
        CHECK_INT(host_call(&h, rt, calls[k] = resty_ffi_call_new(h.loop), "echo", text), 0);
    }
    resty_ffi_runtime_unload(rt);
    host_rest(&h, 100);
    for (int k = 0; k < N; k++) {
        snprintf(text, sizeof text, "answer %d", k);
        CHECK_TEXT(host_answer(calls[k]), text);
        resty_ffi_call_release(calls[k]);
        CHECK_INT(calls[k]->state, RESTY_FFI_IDLE);
        CHECK(!calls[k]->data);
        resty_ffi_call_free(calls[k]);
    }
    tear_down();
}

TEST(an_answer_may_outlive_its_host)
{
    set_up("ffi_c_methods", NULL, 0);
    CHECK_INT(host_call(&h, rt, call, "echo", "kept"), 0);
    resty_ffi_call *other = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(rt, other, "echo", "not waited for"), 0);
    resty_ffi_runtime_unload(rt);
    resty_ffi_call_cancel(other, RESTY_FFI_CANCELLED);
    host_rest(&h, 50);
    host_close(&h);
    CHECK_TEXT(host_answer(call), "kept");
    resty_ffi_call_free(call); /* the last that held the runtime's memory */
    resty_ffi_call_free(other);
}
