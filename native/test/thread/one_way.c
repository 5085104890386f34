/* Calls that nobody waits for, over both transports. */
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "../host.h"

static struct host h;
static resty_ffi_runtime *rt;

static const resty_ffi_options *const transports[] = {&host_thread, &host_process};
#define TRANSPORTS 2

static void set_up(const resty_ffi_options *o, uint32_t max_queue)
{
    resty_ffi_options own = *o;
    own.max_queue = max_queue;
    host_open(&h);
    rt = host_load(&h, "ffi_c_methods", NULL, &own);
}

static int send_within(const char *method, const char *text, uint64_t timeout_ms)
{
    int number = resty_ffi_runtime_method(rt, method, strlen(method));
    CHECK(number >= 0);
    return resty_ffi_runtime_send(rt, (uint32_t)number, text, text ? strlen(text) : 0, timeout_ms);
}

static int send_to(const char *method, const char *text)
{
    return send_within(method, text, 0);
}

static resty_ffi_stats stats(void)
{
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    return s;
}

/* By kind, the index is -code. */
static uint64_t errors(const char *method, int kind)
{
    resty_ffi_method_stats s;
    const char *name;
    for (uint32_t k = 0; (name = resty_ffi_runtime_method_stats(rt, k, &s)); k++)
        if (strcmp(name, method) == 0)
            return s.errors[kind];
    return 0;
}

TEST(they_are_served_and_leave_nothing)
{
    enum { CALLS = 2000, BYTES = 100000 };
    for (int k = 0; k < TRANSPORTS; k++) {
        uint32_t calls = CHECK_SANITIZED ? CALLS / 10 : CALLS; /* more than the queue has memory for */
        char *text = malloc(BYTES);
        memset(text, 'x', BYTES - 1);
        text[BYTES - 1] = 0;
        set_up(transports[k], 0);
        for (uint32_t sent = 0; sent < calls; host_run(&h, 0))
            sent += send_to("xor", text) == 0;
        CHECK_SOON((host_run(&h, 1), stats().answered == calls), 20000);
        CHECK_INT(stats().calls, calls);
        CHECK_INT(stats().in_flight, 0);
        CHECK_INT(resty_ffi_loop_in_flight(h.loop), 0);
        CHECK(!h.log);
        free(text);
        host_close(&h);
    }
}

TEST(a_failure_is_logged_and_counted)
{
    for (int k = 0; k < TRANSPORTS; k++) {
        set_up(transports[k], 0);
        CHECK_INT(send_to("fail", "42 went wrong"), 0);
        CHECK_SOON(host_logged(&h, "4 ffi_c_methods: the one-way call of \"fail\" failed (code 42): went wrong\n"),
                   20000);
        CHECK_INT(send_to("no such", NULL), 0);
        CHECK_SOON(host_logged(&h, "the one-way call of \"no such\" failed (code -5): no method \"no such\""), 20000);
        CHECK_INT(stats().failed, 2);
        CHECK_INT(errors("fail", 0), 1);
        CHECK_INT(errors("no such", -RESTY_FFI_NO_METHOD), 1);
        host_close(&h);
    }
}

TEST(many_failures_are_few_lines)
{
    enum { CALLS = 5000 };
    int lines = 0;
    uint64_t start = check_now();
    set_up(&host_thread, 0);
    for (int sent = 0; sent < CALLS; host_run(&h, 0))
        sent += send_to("fail", "7 again") == 0;
    CHECK_SOON((host_run(&h, 1), stats().failed == CALLS), 20000);
    for (const char *at = h.log; (at = strstr(at, "again\n")); at++)
        lines++;
    CHECK(lines >= 10 && (uint64_t)lines <= 10 * ((check_now() - start) / 1000 + 2));
    host_close(&h);
}

TEST(one_that_takes_too_long_is_cancelled)
{
    for (int k = 0; k < TRANSPORTS; k++) {
        set_up(transports[k], 0);
        CHECK_INT(send_within("never", NULL, 100), 0);
        CHECK_SOON(host_logged(&h, "\"never\" failed (code -1): timeout: runtime \"ffi_c_methods\" did not answer in "
                                   "time\n"),
                   20000);
        CHECK_INT(stats().timed_out, 1);
        host_expect(&h, rt, "cancelled", NULL, "1");
        host_close(&h);
    }
}

static void visit(void *arg, resty_ffi_call *call)
{
    (void)call;
    ++*(int *)arg;
}

TEST(those_that_are_not_answered_are_bounded)
{
    int visited = 0;
    set_up(&host_thread, 8);
    for (int k = 0; k < 8; k++) {
        CHECK_INT(send_within("never", NULL, 8000), 0);
        CHECK_SOON((host_run(&h, 1), stats().queued == 0), 20000);
    }
    CHECK_INT(send_to("echo", "x"), RESTY_FFI_QUEUE_FULL);
    CHECK_INT(stats().queue_full, 1);
    CHECK_INT(errors("echo", -RESTY_FFI_QUEUE_FULL), 1);
    resty_ffi_loop_each_call(h.loop, visit, &visited);
    CHECK_INT(visited, 0);
    host_expect(&h, rt, "echo", "calls go on", "calls go on");
    /* The runtime has taken their cancellations, too. */
    CHECK_SOON((host_run(&h, 1), stats().in_flight == 0 && stats().queued == 0), 20000);
    CHECK_INT(send_to("echo", "x"), 0);
    host_close(&h);
}

TEST(unload_lets_them_finish)
{
    for (int k = 0; k < TRANSPORTS; k++) {
        set_up(transports[k], 0);
        CHECK_INT(send_to("sleep", "300"), 0);
        CHECK_INT(send_to("block", "50"), 0);
        resty_ffi_runtime_unload(rt);
        CHECK_INT(send_to("echo", "late"), RESTY_FFI_UNLOADED);
        CHECK_SOON((host_run(&h, 1), stats().answered == 2), 20000);
        CHECK_INT(stats().failed, 0);
        host_close(&h);
    }
}

TEST(those_of_a_process_that_dies_have_failed)
{
    set_up(&host_process, 0);
    CHECK_INT(send_to("never", NULL), 0);
    CHECK_INT(send_to("exit", NULL), 0);
    CHECK_SOON(host_logged(&h, "the one-way call of \"exit\" failed (code -7): runtime \"ffi_c_methods\" exited"),
               20000);
    CHECK_SOON(host_logged(&h, "the one-way call of \"never\" failed (code -7)"), 20000);
    CHECK_INT(stats().failed, 2);
    host_close(&h);
}

TEST(a_payload_that_is_too_large_is_refused)
{
    static const char byte = 0;
    set_up(&host_thread, 0);
    int number = resty_ffi_runtime_method(rt, "echo", 4);
    CHECK_INT(resty_ffi_runtime_send(rt, (uint32_t)number, &byte, RESTY_FFI_MAX_PAYLOAD + 1u, 0), RESTY_FFI_TOO_LARGE);
    CHECK_INT(resty_ffi_loop_in_flight(h.loop), 0);
    host_close(&h);
}
