/* Streams as a host sees them, over both transports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../loop/call.h"
#include "../../loop/stream.h"
#include "../check.h"
#include "../host.h"

#define LARGE 65536

static struct host h;
static resty_ffi_runtime *rt;

static void set_up(const resty_ffi_options *o)
{
    host_open(&h);
    rt = host_load(&h, "ffi_c_methods", NULL, o);
}

static resty_ffi_stats stats(void)
{
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    return s;
}

static int try_open(resty_ffi_call *s, const char *method, const char *first, bool end)
{
    int number = resty_ffi_runtime_method(rt, method, strlen(method));
    return resty_ffi_stream_open(rt, s, (uint32_t)number, first, first ? strlen(first) : 0, end, 0);
}

static resty_ffi_call *open_stream(const char *method, const char *first, bool end)
{
    resty_ffi_call *s = resty_ffi_pull_call_new(h.pull);
    CHECK_INT(try_open(s, method, first, end), 0);
    return s;
}

/* Runs the loop until it has something; the events of others are dropped: each look asks the stream itself. */
static int next(resty_ffi_call *s)
{
    uint64_t end = check_now() + 10000;
    int rc, events;
    while ((rc = resty_ffi_stream_next(s)) == RESTY_FFI_NOTHING) {
        CHECK(check_now() < end);
        host_run(&h, 100);
        while (resty_ffi_pull_stream(h.pull, &events))
            ;
    }
    return rc;
}

static void expect_message(resty_ffi_call *s, const char *text)
{
    CHECK_INT(next(s), RESTY_FFI_MESSAGE);
    CHECK_INT(s->len, strlen(text));
    CHECK(memcmp(s->data, text, s->len) == 0);
}

static void expect_end(resty_ffi_call *s, int status, const char *text)
{
    CHECK_INT(next(s), RESTY_FFI_ENDED);
    CHECK_INT(s->status, status);
    CHECK_HAS(host_answer(s), text);
}

static void send_text(resty_ffi_call *s, const char *text)
{
    uint64_t end = check_now() + 10000;
    int rc;
    while ((rc = resty_ffi_stream_send(s, text, strlen(text), false)) == RESTY_FFI_AGAIN) {
        CHECK(check_now() < end);
        host_run(&h, 100);
    }
    CHECK_INT(rc, 0);
}

static void expect_unary(const char *method, const char *request, const char *answer)
{
    uint64_t end = check_now() + 5000;
    char got[64] = "";
    while (strcmp(got, answer) != 0) {
        CHECK(check_now() < end);
        resty_ffi_call *call = resty_ffi_call_new(h.loop);
        int rc = host_call(&h, rt, call, method, request);
        CHECK(rc == 0 || rc == RESTY_FFI_QUEUE_FULL); /* of windows and cancellations, just now */
        snprintf(got, sizeof got, "%s", host_answer(call));
        resty_ffi_call_free(call);
    }
}

static void close_and_check(void)
{
    expect_unary("streams", NULL, "0");
    CHECK_INT(stats().in_flight, 0);
    host_close(&h);
}

static void counts(void)
{
    char text[32];
    resty_ffi_call *s = open_stream("count", "5000", true);
    for (int k = 0; k < 5000; k++) {
        snprintf(text, sizeof text, "%d", k);
        expect_message(s, text);
    }
    expect_end(s, 0, "");
    expect_end(s, 0, "");
    resty_ffi_pull_call_free(s);
    CHECK_INT(stats().streams, 1);
    close_and_check();
}

TEST(messages_come_in_order_thread)
{
    set_up(&host_thread);
    counts();
}

TEST(messages_come_in_order_process)
{
    set_up(&host_process);
    counts();
}

TEST(the_client_streams_and_closes)
{
    set_up(&host_thread);
    resty_ffi_call *s = open_stream("sum", NULL, false);
    for (int k = 1; k <= 4000; k++) {
        char text[32];
        snprintf(text, sizeof text, "%d", k);
        send_text(s, text);
    }
    CHECK_INT(resty_ffi_stream_send(s, NULL, 0, true), 0);
    CHECK_INT(resty_ffi_stream_send(s, "x", 1, false), RESTY_FFI_UNLOADED);
    expect_message(s, "8002000");
    expect_end(s, 0, "");
    resty_ffi_pull_call_free(s);
    close_and_check();
}

TEST(both_sides_talk)
{
    set_up(&host_process);
    resty_ffi_call *a = open_stream("chat", "first", false), *b = open_stream("chat", NULL, false);
    expect_message(a, "first");
    for (int k = 0; k < 3000; k++) {
        send_text(a, "to a");
        send_text(b, "");
        expect_message(b, "");
        expect_message(a, "to a");
    }
    CHECK_INT(resty_ffi_stream_send(a, "last", 4, true), 0);
    expect_message(a, "last");
    expect_end(a, 0, "");
    CHECK_INT(resty_ffi_stream_send(b, NULL, 0, true), 0);
    expect_end(b, 0, "");
    resty_ffi_pull_call_free(a);
    resty_ffi_pull_call_free(b);
    close_and_check();
}

TEST(an_error_in_the_middle_comes_after_what_was_sent)
{
    set_up(&host_thread);
    resty_ffi_call *s = open_stream("failstream", "3", false);
    expect_message(s, "0");
    expect_message(s, "1");
    expect_message(s, "2");
    expect_end(s, 7, "mid-stream");
    CHECK_INT(resty_ffi_stream_send(s, "x", 1, false), RESTY_FFI_UNLOADED);
    resty_ffi_pull_call_free(s);
    close_and_check();
}

/* Bytes of payload memory in use, as the windows see it. */
static uint64_t outstanding(resty_ffi_call *s)
{
    const struct rf_stream *own = ((struct rf_call *)s)->beside;
    return (uint64_t)(RESTY_FFI_STREAM_WINDOW - own->granted);
}

static void flood(const resty_ffi_options *o)
{
    set_up(o);
    resty_ffi_call *s = open_stream("flood", "1000", true);
    for (int k = 0; k < 1000; k++) {
        CHECK_INT(next(s), RESTY_FFI_MESSAGE);
        CHECK_INT(s->len, LARGE);
        CHECK_INT((unsigned char)s->data[LARGE - 1], (LARGE - 1) % 251);
        CHECK(outstanding(s) <= RESTY_FFI_STREAM_WINDOW + LARGE);
        if (k % 100 == 0)
            host_rest(&h, 5);
    }
    expect_end(s, 0, "");
    resty_ffi_pull_call_free(s);
    close_and_check();
}

TEST(a_slow_reader_holds_up_the_runtime_thread)
{
    flood(&host_thread);
}

TEST(a_slow_reader_holds_up_the_runtime_process)
{
    flood(&host_process);
}

TEST(a_deaf_runtime_holds_up_the_sender)
{
    set_up(&host_thread);
    static char large[LARGE];
    resty_ffi_call *s = open_stream("deaf", NULL, false);
    int sent = 0, rc;
    while ((rc = resty_ffi_stream_send(s, large, LARGE, false)) == 0)
        sent++;
    CHECK_INT(rc, RESTY_FFI_AGAIN);
    CHECK_INT(sent, RESTY_FFI_STREAM_WINDOW / LARGE);
    host_rest(&h, 30);
    CHECK_INT(resty_ffi_stream_send(s, large, LARGE, false), RESTY_FFI_AGAIN);
    CHECK_INT(resty_ffi_stream_send(s, NULL, 0, true), 0); /* an end needs no window */
    resty_ffi_call_cancel(s, RESTY_FFI_CANCELLED);
    CHECK_INT(resty_ffi_stream_next(s), RESTY_FFI_NOTHING);
    expect_unary("cancelled", NULL, "1");
    resty_ffi_pull_call_free(s);
    close_and_check();
}

TEST(a_window_wakes_the_sender)
{
    set_up(&host_thread);
    static char large[LARGE];
    resty_ffi_call *s = open_stream("chat", NULL, false);
    while (resty_ffi_stream_send(s, large, LARGE, false) == 0)
        ;
    int events = 0, seen = 0;
    uint64_t end = check_now() + 5000;
    while (!(seen & RESTY_FFI_WRITABLE)) {
        CHECK(check_now() < end);
        host_run(&h, 100);
        while (resty_ffi_pull_stream(h.pull, &events))
            seen |= events;
        while (resty_ffi_stream_next(s) == RESTY_FFI_MESSAGE)
            ;
    }
    CHECK_INT(resty_ffi_stream_send(s, large, LARGE, false), 0);
    resty_ffi_pull_call_free(s);
    close_and_check();
}

TEST(a_runtime_without_a_window_loses_its_stream)
{
    set_up(&host_process);
    resty_ffi_call *s = open_stream("overrun", "100", true);
    CHECK_SOON(host_logged(&h, "more than the stream's window allows"), 20000);
    expect_end(s, RESTY_FFI_BAD_ARGUMENT, "more than the stream's window allows");
    resty_ffi_pull_call_free(s);
    host_expect(&h, rt, "echo", "still here", "still here");
    close_and_check();
}

TEST(a_message_that_cannot_be_sent_ends_the_stream_on_both_sides)
{
    set_up(&host_thread);
    resty_ffi_call *s = open_stream("oversize", NULL, false);
    expect_message(s, "1");
    expect_end(s, RESTY_FFI_TOO_LARGE, "larger than the limit");
    expect_unary("cancelled", NULL, "1");
    resty_ffi_pull_call_free(s);
    CHECK(!host_logged(&h, "not open"));
    close_and_check();
}

TEST(cancelled_halfway_leaves_nothing)
{
    set_up(&host_thread);
    for (int k = 0; k < (CHECK_SANITIZED ? 200 : 2000); k++) {
        resty_ffi_call *s = open_stream(k & 1 ? "flood" : "chat", "100", false);
        if (k % 3)
            CHECK_INT(next(s), RESTY_FFI_MESSAGE);
        if (k % 4 == 0)
            resty_ffi_call_cancel(s, RESTY_FFI_CANCELLED);
        resty_ffi_pull_call_free(s);
    }
    close_and_check();
}

TEST(a_deadline_ends_a_stream_that_nobody_waits_for)
{
    set_up(&host_thread);
    resty_ffi_call *s = resty_ffi_pull_call_new(h.pull);
    int method = resty_ffi_runtime_method(rt, "deaf", 4);
    CHECK_INT(resty_ffi_stream_open(rt, s, (uint32_t)method, NULL, 0, false, 100), 0);
    uint64_t begin = check_now();
    expect_end(s, RESTY_FFI_TIMEOUT, "deadline");
    CHECK(check_now() - begin >= 95);
    resty_ffi_pull_call_free(s);
    close_and_check();
}

TEST(a_process_that_dies_ends_its_streams)
{
    set_up(&host_process);
    resty_ffi_call *s = open_stream("chat", "one", false);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    expect_message(s, "one");
    send_text(s, "two");
    host_submit(rt, call, "exit", NULL);
    host_wait(&h, call, 20000);
    resty_ffi_call_free(call);
    while (next(s) == RESTY_FFI_MESSAGE)
        ;
    expect_end(s, RESTY_FFI_EXITED, "exit code 3");
    resty_ffi_pull_call_free(s);
    host_expect(&h, rt, "echo", "back", "back");
    close_and_check();
}

TEST(an_unload_with_open_streams_ends_them)
{
    resty_ffi_options o = host_thread;
    o.drain_ms = 50;
    set_up(&o);
    resty_ffi_call *s = open_stream("chat", "one", false);
    expect_message(s, "one");
    resty_ffi_runtime_unload(rt);
    CHECK_INT(try_open(resty_ffi_call_new(h.loop), "chat", NULL, false), RESTY_FFI_UNLOADED);
    expect_end(s, RESTY_FFI_UNLOADED, "50 ms");
    resty_ffi_pull_call_free(s);
    host_close(&h);
}

TEST(an_unload_ends_the_streams_of_every_worker)
{
    resty_ffi_options o = host_process;
    o.workers = 3;
    o.drain_ms = 50;
    set_up(&o);
    resty_ffi_call *s[3];
    for (int k = 0; k < 3; k++) {
        s[k] = open_stream("chat", "one", false);
        expect_message(s[k], "one");
    }
    resty_ffi_runtime_unload(rt);
    for (int k = 0; k < 3; k++) {
        expect_end(s[k], RESTY_FFI_UNLOADED, "50 ms");
        resty_ffi_pull_call_free(s[k]);
    }
    host_close(&h);
}

TEST(the_loop_may_close_under_open_streams)
{
    set_up(&host_thread);
    resty_ffi_call *s = open_stream("flood", "1000", false);
    CHECK_INT(next(s), RESTY_FFI_MESSAGE);
    resty_ffi_call *t = open_stream("deaf", NULL, false);
    host_close(&h);
    (void)s, (void)t;
}

TEST(a_unary_runtime_answers_a_stream_with_one_message)
{
    host_open(&h);
    rt = host_load(&h, "ffi_c_echo2", NULL, &host_thread);
    resty_ffi_call *s = open_stream("echo", "hello", true);
    expect_message(s, "hello");
    expect_end(s, 0, "");
    resty_ffi_pull_call_free(s);
    host_close(&h);
}

/* The queue is full of calls that nobody takes: windows and cancellations still arrive, later. */
TEST(control_frames_wait_for_room)
{
    resty_ffi_options o = host_thread;
    o.max_queue = 4;
    host_open(&h);
    rt = host_load(&h, "ffi_c_methods", NULL, &o);
    resty_ffi_call *s = open_stream("chat", NULL, false);
    resty_ffi_call *block = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(rt, block, "block", "300"), 0);
    check_sleep(50);
    for (int k = 0; k < 3000; k++)
        CHECK(resty_ffi_stream_send(s, "x", 1, false) >= 0);
    resty_ffi_call_cancel(s, RESTY_FFI_CANCELLED);
    host_wait(&h, block, 20000);
    expect_unary("cancelled", NULL, "1");
    CHECK_INT(h.loop->unsent, 0);
    resty_ffi_call_free(block);
    resty_ffi_pull_call_free(s);
    close_and_check();
}
