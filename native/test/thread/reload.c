/* Reload, watched files, settings, and the lines that runtimes print. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../check.h"
#include "../host.h"

static struct host h;

static const char *ask(resty_ffi_runtime *rt, const char *method, const char *text)
{
    static char answer[256];
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, method, text), 0);
    snprintf(answer, sizeof answer, "%s", host_answer(call));
    resty_ffi_call_free(call);
    return answer;
}

static void reload(resty_ffi_runtime *rt)
{
    char error[1024];
    CHECK_INT(resty_ffi_runtime_reload(rt), 0);
    if (resty_ffi_runtime_reload_wait(rt, 20000, error, sizeof error) != 1)
        check_failed(__FILE__, __LINE__, "%s", error);
}

static resty_ffi_stats stats(resty_ffi_runtime *rt)
{
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    return s;
}

static void calls_move_over(const resty_ffi_options *o)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, o);
    int before = atoi(ask(rt, "pid", NULL));
    CHECK_TEXT(ask(rt, "generation", NULL), "0");
    resty_ffi_call *slow = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(rt, slow, "sleep", "300"), 0);
    reload(rt);
    CHECK_INT(slow->state, RESTY_FFI_IN_FLIGHT);
    CHECK(atoi(ask(rt, "pid", NULL)) != before);
    CHECK_TEXT(ask(rt, "generation", NULL), "1");
    host_wait(&h, slow, 20000);
    CHECK_INT(slow->status, 0);
    CHECK_TEXT(host_answer(slow), "slept");
    reload(rt);
    CHECK_TEXT(ask(rt, "generation", NULL), "2");
    CHECK_INT(stats(rt).reloads, 2);
    CHECK_INT(stats(rt).process, 1);
    CHECK_INT(stats(rt).in_flight, 0);
    CHECK(host_logged(&h, "reloaded"));
    resty_ffi_call_free(slow);
    host_close(&h);
}

TEST(calls_move_over_thread)
{
    calls_move_over(&host_thread);
}

TEST(calls_move_over_process)
{
    calls_move_over(&host_process);
}

TEST(open_streams_are_kept_until_a_bound)
{
    resty_ffi_options o = host_process;
    o.drain_ms = 1500;
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &o);
    resty_ffi_call *s = resty_ffi_pull_call_new(h.pull);
    int method = resty_ffi_runtime_method(rt, "chat", 4);
    CHECK_INT(resty_ffi_stream_open(rt, s, (uint32_t)method, "a", 1, false, 0), 0);
    reload(rt);
    CHECK_INT(resty_ffi_stream_send(s, "b", 1, false), 0);
    uint64_t end = check_now() + 5000;
    int messages = 0, rc;
    while ((rc = resty_ffi_stream_next(s)) != RESTY_FFI_ENDED) {
        CHECK(check_now() < end);
        messages += rc == RESTY_FFI_MESSAGE;
        host_run(&h, 20);
    }
    CHECK_INT(messages, 2);
    CHECK_INT(s->status, RESTY_FFI_UNLOADED);
    CHECK_HAS(host_answer(s), "1500 ms");
    resty_ffi_pull_call_free(s);
    host_close(&h);
}

/* A copy of the runtime under a name of its own, in place of which the tests put others. */
static char path[64];

static void make_copy(const char *library)
{
    char from[4300];
    if (!*path) {
        strcpy(path, "/tmp/resty-ffi-test-XXXXXX.so");
        int fd = mkstemps(path, 3);
        CHECK(fd >= 0);
        close(fd);
    }
    host_library(library, from, sizeof from);
    host_copy(from, path);
}

TEST(new_code_that_does_not_start_leaves_the_old)
{
    char error[2048];
    make_copy("ffi_c_methods");
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, path, NULL, &host_process);
    host_expect(&h, rt, "echo", "one", "one");
    make_copy("ffi_c_init3");
    CHECK_INT(resty_ffi_runtime_reload(rt), 0);
    CHECK_INT(resty_ffi_runtime_reload_wait(rt, 10000, error, sizeof error), -1);
    CHECK_HAS(error, "was not reloaded: ");
    CHECK_HAS(error, "libffi_init returned 3");
    CHECK(host_logged(&h, "the code from before goes on"));
    host_expect(&h, rt, "echo", "two", "two");
    CHECK_INT(stats(rt).reloads, 0);
    make_copy("ffi_c_methods");
    reload(rt);
    host_expect(&h, rt, "echo", "three", "three");
    CHECK(unlink(path) == 0);
    host_close(&h);
}

TEST(a_changed_file_reloads)
{
    resty_ffi_options o = host_process;
    o.watch = 1;
    make_copy("ffi_c_methods");
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, path, NULL, &o);
    host_rest(&h, 700);
    CHECK_INT(stats(rt).reloads, 0);
    make_copy("ffi_c_methods");
    uint64_t end = check_now() + 20000;
    while (stats(rt).reloads == 0) {
        CHECK(check_now() < end);
        host_run(&h, 50);
    }
    CHECK(host_logged(&h, "has changed: reloading"));
    CHECK_TEXT(ask(rt, "generation", NULL), "1");
    host_rest(&h, 1500);
    CHECK_INT(stats(rt).reloads, 1);
    CHECK(unlink(path) == 0);
    host_close(&h);
}

TEST(a_file_that_the_runtime_names_is_watched)
{
    resty_ffi_options o = host_process;
    char file[] = "/tmp/resty-ffi-test-XXXXXX";
    int fd = mkstemp(file);
    o.watch = 1;
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &o);
    ask(rt, "watch", file);
    host_rest(&h, 700);
    CHECK(write(fd, "changed", 7) == 7);
    close(fd);
    uint64_t end = check_now() + 20000;
    while (stats(rt).reloads == 0) {
        CHECK(check_now() < end);
        host_run(&h, 50);
    }
    CHECK(unlink(file) == 0);
    host_close(&h);
}

TEST(reloads_under_load_lose_no_call)
{
    enum { CALLS = 16 };
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", "threads=2", &host_process);
    resty_ffi_call *calls[CALLS], *done[CALLS];
    char error[1024];
    for (int k = 0; k < CALLS; k++) {
        calls[k] = resty_ffi_call_new(h.loop);
        CHECK_INT(host_submit(rt, calls[k], "echo", "load"), 0);
    }
    uint64_t sent = CALLS, answered = 0;
    for (int reloads = 0; reloads < (CHECK_SANITIZED ? 3 : 10); reloads++) {
        CHECK_INT(resty_ffi_runtime_reload(rt), 0);
        while (resty_ffi_runtime_reload_wait(rt, 0, error, sizeof error) == 0) {
            host_run(&h, 100);
            int n = resty_ffi_pull_done_n(h.pull, done, CALLS);
            for (int k = 0; k < n; k++) {
                CHECK_TEXT(host_answer(done[k]), "load");
                CHECK_INT(host_submit(rt, done[k], "echo", "load"), 0);
            }
            answered += (uint64_t)n;
            sent += (uint64_t)n;
        }
    }
    for (int k = 0; k < CALLS; k++)
        host_wait(&h, calls[k], 20000);
    answered += CALLS;
    CHECK_INT(sent, answered);
    CHECK_INT(stats(rt).calls, sent);
    CHECK_INT(stats(rt).answered, answered);
    for (int k = 0; k < CALLS; k++)
        resty_ffi_call_free(calls[k]);
    host_close(&h);
}

TEST(settings_reach_the_runtime)
{
    resty_ffi_options o = host_process;
    o.settings = "venv\0/some/where\0node\0\0";
    host_open(&h);
    for (int k = 0; k < 2; k++, o.isolate = 0) {
        resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", k ? "b" : "a", &o);
        CHECK_TEXT(ask(rt, "setting", "venv"), "/some/where");
        CHECK_TEXT(ask(rt, "setting", "node"), "");
        resty_ffi_call *call = resty_ffi_call_new(h.loop);
        CHECK_INT(host_call(&h, rt, call, "setting", "java_home"), 0);
        CHECK(call->nil);
        resty_ffi_call_free(call);
    }
    host_close(&h);
}
