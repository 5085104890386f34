/*
 * A child that writes garbage into the memory it shares with its host. Whatever it does, the host neither crashes nor
 * hangs, every call ends, and other runtimes go on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../loop/call.h"
#include "../check.h"
#include "children.h"

static struct host h;
static resty_ffi_runtime *bad, *neighbour_thread, *neighbour_process;

static void set_up(void)
{
    resty_ffi_options o = host_process;
    o.max_queue = 256;
    o.drain_ms = 200; /* one that happens to say that it finishes something lives no longer */
    host_open(&h);
    bad = host_load(&h, "ffi_c_garbage", NULL, &o);
    neighbour_thread = host_load(&h, "ffi_c_methods", NULL, &host_thread);
    neighbour_process = host_load(&h, "ffi_c_methods", "another key", &host_process);
}

static void neighbours_are_fine(void)
{
    host_expect(&h, neighbour_thread, "echo", "thread", "thread");
    host_expect(&h, neighbour_process, "echo", "process", "process");
}

/* A call of the bad one's ends one way or the other, or is given up after patience_ms; the loop always goes on. */
static int call_bad(const char *request, uint64_t patience_ms)
{
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    uint64_t start = check_now();
    int rc = host_submit(bad, call, "any", request);
    CHECK(check_now() - start < CHECK_QUICK_MS);
    if (rc == 0) {
        while (call->state == RESTY_FFI_IN_FLIGHT && check_now() - start < patience_ms) {
            uint64_t round = check_now();
            host_run(&h, 10);
            CHECK(check_now() - round < CHECK_QUICK_MS);
        }
        rc = call->state == RESTY_FFI_DONE ? call->status : RESTY_FFI_TIMEOUT;
        if (call->state == RESTY_FFI_DONE)
            host_answer(call); /* its text can be read */
        resty_ffi_call_cancel(call, RESTY_FFI_TIMEOUT);
    }
    resty_ffi_call_free(call);
    return rc;
}

static int risk(const char *request)
{
    return call_bad(request, 300);
}

/* The order, then some calls more, then the end. */
static void survive(const char *order)
{
    set_up();
    CHECK_INT(call_bad("echo", 20000), 0);
    for (int round = 0; round < 3; round++) {
        risk(order);
        for (int k = 0; k < 5; k++) {
            neighbours_are_fine();
            risk("echo");
        }
    }
    neighbours_are_fine();
    resty_ffi_runtime_unload(bad);
    CHECK_SOON((host_run(&h, 1), own_children() == 1), 20000); /* it is ended, whatever it wrote */
    neighbours_are_fine();
    host_close(&h);
}

TEST(counters)
{
    survive("header");
}

TEST(counters_of_zero)
{
    survive("zero");
}

TEST(ring)
{
    survive("ring");
}

TEST(slots)
{
    survive("slots");
}

TEST(free_lists)
{
    survive("links");
}

TEST(punched_memory)
{
    survive("punch");
}

TEST(blocking_descriptors)
{
    survive("blocking");
}

TEST(nonsense_on_the_control_socket)
{
    survive("control");
}

TEST(a_flood)
{
    survive("flood");
}

/* These must be noticed: the process is ended with a reason, and its successor serves. */
static void noticed(const char *order)
{
    resty_ffi_stats s;
    set_up();
    risk(order);
    CHECK_SOON((risk("echo"), neighbours_are_fine(), host_logged(&h, "garbage into the shared memory")), 20000);
    CHECK_SOON(risk("echo") == 0, 20000);
    resty_ffi_runtime_stats(bad, &s);
    CHECK(s.restarts >= 1);
    neighbours_are_fine();
    host_close(&h);
}

TEST(a_list_of_replies_with_a_loop)
{
    noticed("loop");
}

TEST(a_list_of_replies_that_leads_outside)
{
    noticed("next");
}

TEST(a_list_of_replies_that_starts_outside)
{
    noticed("range");
}

TEST(payloads_in_wrong_places)
{
    set_up();
    for (int k = 0; k < 3; k++) {
        CHECK_INT(call_bad("offsets", 20000), RESTY_FFI_BAD_ARGUMENT);
        CHECK_INT(call_bad("echo", 20000), 0);
        neighbours_are_fine();
    }
    host_close(&h);
}

TEST(log_lines_in_wrong_places)
{
    set_up();
    CHECK_INT(call_bad("log", 20000), 0);
    for (int k = 0; k < 50; k++)
        CHECK_INT(call_bad("echo", 20000), 0);
    CHECK(!h.log || !strstr(h.log, "6 ffi_c_garbage")); /* none was read */
    neighbours_are_fine();
    host_close(&h);
}

TEST(dict_requests_in_wrong_places)
{
    set_up();
    CHECK_INT(call_bad("dict", 20000), 0);
    for (int k = 0; k < 50; k++)
        risk("echo");
    neighbours_are_fine();
    host_close(&h);
}

TEST(answers_to_other_runtimes_calls)
{
    char order[64];
    set_up();
    resty_ffi_call *a = resty_ffi_call_new(h.loop), *b = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(neighbour_thread, a, "never", NULL), 0);
    CHECK_INT(host_submit(neighbour_process, b, "never", NULL), 0);
    const struct rf_call *own_a = (struct rf_call *)a, *own_b = (struct rf_call *)b;
    snprintf(order, sizeof order, "ids %llx %llx", (unsigned long long)own_a->generation << 32 | (own_a->index + 1),
             (unsigned long long)own_b->generation << 32 | (own_b->index + 1));
    CHECK_INT(call_bad(order, 20000), 0);
    CHECK_INT(a->state, RESTY_FFI_IN_FLIGHT);
    CHECK_INT(b->state, RESTY_FFI_IN_FLIGHT);
    CHECK(host_logged(&h, "answered a call that is not open"));
    resty_ffi_call_free(a);
    resty_ffi_call_free(b);
    neighbours_are_fine();
    host_close(&h);
}

TEST(many_answers_to_one_call)
{
    set_up();
    for (int k = 0; k < 20; k++) {
        CHECK_INT(call_bad("double", 20000), 0);
        CHECK_INT(call_bad("echo", 20000), 0);
    }
    neighbours_are_fine();
    host_close(&h);
}
