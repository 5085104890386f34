/* Work that no call waits for is finished when the runtime ends, over both transports. */
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "../host.h"

static struct host h;
static resty_ffi_runtime *rt;

static const resty_ffi_options *const transports[] = {&host_thread, &host_process};
#define TRANSPORTS 2
#define LONGER "finish=3000" /* than a runtime has that has nothing to finish */

static void set_up(const resty_ffi_options *o, const char *cfg, uint32_t drain_ms)
{
    resty_ffi_options own = *o;
    own.drain_ms = drain_ms;
    host_open(&h);
    rt = host_load(&h, "ffi_c_methods", cfg, &own);
}

/* The host ends, and what was logged meanwhile is in its log. */
static uint64_t close_loop(int timeout_ms)
{
    uint64_t start = check_now();
    resty_ffi_loop_close(h.loop, timeout_ms);
    start = check_now() - start;
    host_run(&h, 0);
    return start;
}

static int send_to(const char *method, const char *text)
{
    int number = resty_ffi_runtime_method(rt, method, strlen(method));
    CHECK(number >= 0);
    return resty_ffi_runtime_send(rt, (uint32_t)number, text, strlen(text), 0);
}

static uint64_t answered(void)
{
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    return s.answered;
}

TEST(the_end_of_the_host_waits_for_it)
{
    for (int k = 0; k < TRANSPORTS; k++) {
        set_up(transports[k], LONGER " farewell", 0);
        close_loop(60000);
        CHECK_HAS(h.log, "ffi_c_methods: finished\n");
        CHECK_HAS(h.log, "logged at the end");
        host_close(&h);
    }
}

TEST(the_end_of_the_host_waits_for_nothing_else)
{
    for (int k = 0; k < TRANSPORTS; k++) {
        set_up(transports[k], "farewell", 0);
        CHECK(close_loop(60000) < CHECK_QUICK_MS);
        CHECK_HAS(h.log, "logged at the end");
        host_close(&h);
    }
}

TEST(unload_and_reload_wait_for_it)
{
    for (int k = 0; k < TRANSPORTS; k++) {
        set_up(transports[k], LONGER, 0);
        char error[256];
        CHECK_INT(resty_ffi_runtime_reload(rt), 0);
        CHECK_INT(resty_ffi_runtime_reload_wait(rt, 20000, error, sizeof error), 1);
        host_expect(&h, rt, "echo", "the new one serves meanwhile", "the new one serves meanwhile");
        CHECK_SOON(host_logged(&h, "ffi_c_methods: finished\n"), 20000);
        h.log_len = 0;
        h.log[0] = 0;
        resty_ffi_runtime_unload(rt);
        CHECK_SOON(host_logged(&h, "ffi_c_methods: finished\n"), 20000);
        host_close(&h);
    }
}

TEST(one_that_is_told_its_time_can_say_what_it_leaves)
{
    for (int k = 0; k < TRANSPORTS; k++) {
        set_up(transports[k], "finish=100000", 4000);
        close_loop(60000);
        CHECK_HAS(h.log, "could not finish\n");
        CHECK(!strstr(h.log, "its end took longer"));
        host_close(&h);
        set_up(transports[k], "finish=100000", 0);
        close_loop(4000); /* the host's own time is shorter */
        CHECK_HAS(h.log, "could not finish\n");
        host_close(&h);
    }
}

TEST(one_that_does_not_mind_is_left_behind)
{
    for (int k = 0; k < TRANSPORTS; k++) {
        set_up(transports[k], "finish=100000 stubborn", 2000);
        CHECK(close_loop(90000) < 60000);
        CHECK_HAS(h.log, "4 ffi_c_methods: its end took longer than it may (drain_timeout");
        host_close(&h);
    }
}

TEST(one_way_calls_are_answered_first)
{
    for (int k = 0; k < TRANSPORTS; k++) {
        set_up(transports[k], "finish=1", 0);
        CHECK_INT(send_to("sleep", "2500"), 0);
        for (int n = 0; n < 500; n++)
            CHECK_INT(send_to("echo", "x"), 0);
        CHECK_INT(send_to("log", "notice served"), 0);
        close_loop(60000);
        CHECK_INT(answered(), 502);
        const char *served = strstr(h.log, "served\n"), *finished = strstr(h.log, "finished\n");
        CHECK(served && finished && served < finished);
        host_close(&h);
    }
}

TEST(those_that_are_not_are_lost_aloud)
{
    for (int k = 0; k < TRANSPORTS; k++) {
        set_up(transports[k], "finish=1", 0);
        CHECK_INT(send_to("never", ""), 0);
        close_loop(6000);
        CHECK_HAS(h.log,
                  "the one-way call of \"never\" failed (code -8): unloaded: it was not answered in the time that");
        CHECK_HAS(h.log, "finished\n");
        host_close(&h);
    }
}

TEST(a_call_that_somebody_waits_for_holds_nothing_up)
{
    set_up(&host_thread, "finish=1", 0);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(rt, call, "never", NULL), 0);
    CHECK(close_loop(60000) < CHECK_QUICK_MS);
    resty_ffi_call_free(call);
    host_close(&h);
}
