/*
 * Whatever ends at whatever moment: calls, streams, processes, runtimes, in an order that a seed decides. Every call
 * and every stream ends by its deadline, and at the end nothing is left. CHAOS_SECONDS (10) how long; CHAOS_SEED (the
 * time) to repeat a run that failed
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../check.h"
#include "../host.h"
#include "children.h"

#define SLOTS 64
#define DEADLINE_MS 400
#define SLACK_MS 3000 /* of a machine that does other things too */

struct slot {
    resty_ffi_call *call;
    bool stream;
    uint64_t until; /* 0 = it rests */
};

static struct host h;
static resty_ffi_runtime *rt;
static struct slot slots[SLOTS];
static uint64_t state;
static unsigned calls, streams, kills, reloads, loads, stops;
static pid_t stopped;

static uint64_t pick(uint64_t below)
{
    return check_random(&state) % below;
}

static void load(void)
{
    resty_ffi_options o = host_process;
    o.workers = 2;
    o.drain_ms = 200;
    char cfg[32];
    snprintf(cfg, sizeof cfg, "load %u", loads++);
    rt = host_load(&h, "ffi_c_methods", cfg, &o);
}

static void rest(struct slot *s)
{
    if (s->stream)
        resty_ffi_pull_call_free(s->call);
    else
        resty_ffi_call_free(s->call);
    *s = (struct slot){0};
}

static void begin(struct slot *s)
{
    static const char *const plain[][2] = {{"echo", "text"},  {"sleep", "30"}, {"never", ""},  {"fill", "100000"},
                                           {"fail", "7 x"},   {"block", "20"}, {"xor", "abc"}, {"dict", "incr k 1"},
                                           {"log", "info x"}, {"double", "x"}, {"none", "x"}};
    static const char *const streaming[][2] = {{"count", "50"}, {"flood", "40"}, {"chat", "x"},
                                               {"sum", "1"},    {"deaf", ""},    {"failstream", "3"}};
    s->stream = pick(3) == 0;
    int rc, method;
    if (s->stream) {
        const char *const *what = streaming[pick(sizeof streaming / sizeof *streaming)];
        s->call = resty_ffi_pull_call_new(h.pull);
        method = resty_ffi_runtime_method(rt, what[0], strlen(what[0]));
        rc = resty_ffi_stream_open(rt, s->call, (uint32_t)method, what[1], strlen(what[1]), pick(2), DEADLINE_MS);
        streams++;
    } else {
        const char *const *what = plain[pick(sizeof plain / sizeof *plain)];
        s->call = resty_ffi_call_new(h.loop);
        method = resty_ffi_runtime_method(rt, what[0], strlen(what[0]));
        rc = resty_ffi_call_submit(rt, s->call, (uint32_t)method, what[1], strlen(what[1]), DEADLINE_MS);
        calls++;
    }
    CHECK(rc == 0 || rc == RESTY_FFI_QUEUE_FULL || rc == RESTY_FFI_EXITED);
    s->until = check_now() + DEADLINE_MS;
    if (rc != 0)
        rest(s);
}

static void go_on(struct slot *s, uint64_t now)
{
    if (!s->stream) {
        if (s->call->state == RESTY_FFI_DONE)
            rest(s);
        else if (now >= s->until || pick(2000) == 0) {
            resty_ffi_call_cancel(s->call, now >= s->until ? RESTY_FFI_TIMEOUT : RESTY_FFI_CANCELLED);
            rest(s);
        }
        return;
    }
    if (pick(1000) == 0) {
        resty_ffi_call_cancel(s->call, RESTY_FFI_CANCELLED);
        rest(s);
        return;
    }
    if (pick(3) == 0)
        (void)resty_ffi_stream_send(s->call, "more", 4, pick(20) == 0);
    int next = resty_ffi_stream_next(s->call);
    if (next == RESTY_FFI_ENDED)
        rest(s);
    else if (now > s->until + SLACK_MS)
        check_failed(__FILE__, __LINE__, "a stream goes on %llu ms after its deadline",
                     (unsigned long long)(now - s->until));
}

static pid_t some_child(void)
{
    pid_t found[16];
    int n = runtime_children(found, 16);
    return n ? found[pick((uint64_t)n)] : 0;
}

static void disturb(void)
{
    uint64_t what = pick(100);
    if (stopped) {
        kill(stopped, SIGCONT);
        stopped = 0;
    } else if (what < 40) {
        pid_t child = some_child();
        if (child && kill(child, SIGKILL) == 0)
            kills++;
    } else if (what < 65) {
        (void)resty_ffi_runtime_reload(rt);
        reloads++;
    } else if (what < 80) {
        if ((stopped = some_child()) && kill(stopped, SIGSTOP) == 0)
            stops++;
    } else {
        resty_ffi_runtime_unload(rt);
        host_release(&h, rt);
        load();
    }
}

static void chaos(void)
{
    const char *seconds = getenv("CHAOS_SECONDS"), *seed = getenv("CHAOS_SEED");
    uint64_t ms = (seconds ? strtoull(seconds, NULL, 10) : CHECK_SANITIZED ? 5 : 10) * 1000;
    uint64_t first = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    state = first;
    alarm((unsigned)(ms / 1000) + 60); /* instead of the usual time of a test */
    fprintf(stderr, "CHAOS_SEED=%llu\n", (unsigned long long)first);
    host_open(&h);
    load();
    uint64_t end = check_now() + ms, next = 0;
    while (check_now() < end) {
        for (int k = 0; k < SLOTS; k++) {
            if (!slots[k].until && pick(3) == 0)
                begin(&slots[k]);
            else if (slots[k].until)
                go_on(&slots[k], check_now());
        }
        if (check_now() >= next) {
            disturb();
            next = check_now() + 100 + pick(400);
        }
        host_run(&h, 1);
        int events;
        while (resty_ffi_pull_done(h.pull))
            ;
        while (resty_ffi_pull_stream(h.pull, &events))
            ;
    }
    if (stopped)
        kill(stopped, SIGCONT);
    for (int k = 0; k < SLOTS; k++)
        if (slots[k].until)
            rest(&slots[k]);
    fprintf(stderr, "%u calls, %u streams, %u kills, %u stops, %u reloads, %u loads\n", calls, streams, kills, stops,
            reloads, loads);
    CHECK(calls > 100 && streams > 30);
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    CHECK_INT(s.in_flight, 0);
    /* What was killed last may still be taken for alive. */
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_SOON(host_call(&h, rt, call, "echo", "all is well") == 0, 20000);
    CHECK_TEXT(host_answer(call), "all is well");
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(nothing_hangs_and_nothing_is_left)
{
    chaos();
}
