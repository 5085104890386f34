/* Runtimes in processes of their own: what they get, and how they fail to start. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../check.h"
#include "children.h"

static struct host h;

static resty_ffi_options with_workers(uint32_t workers)
{
    resty_ffi_options o = host_process;
    o.workers = workers;
    return o;
}

TEST(payloads_of_all_sizes_come_back)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4095, 4096, 65535, 65536, 1 << 20, 16 << 20, 100 << 20};
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    int method = resty_ffi_runtime_method(rt, "xor", 3);
    size_t n = sizeof sizes / sizeof *sizes - CHECK_SANITIZED, largest = sizes[n - 1];
    unsigned char *data = malloc(largest);
    for (size_t k = 0; k < largest; k++)
        data[k] = (unsigned char)(k ^ k >> 8);
    for (size_t k = 0; k < n; k++) {
        CHECK_INT(resty_ffi_call_submit(rt, call, (uint32_t)method, (char *)data, sizes[k], 0), 0);
        host_wait(&h, call, 20000);
        CHECK_INT(call->status, 0);
        CHECK_INT(call->len, sizes[k]);
        for (size_t j = 0; j<sizes[k]; j += sizes[k]> 4096 ? 4093 : 1)
            CHECK_INT((unsigned char)call->data[j], data[j] ^ 0x5a);
    }
    free(data);
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(answers_and_errors_are_those_of_a_thread)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", "some text", &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    host_expect(&h, rt, "nilreq", NULL, "nil");
    host_expect(&h, rt, "nilreq", "", "empty");
    host_expect(&h, rt, "config", NULL, "some text");
    CHECK_INT(host_call(&h, rt, call, "none", NULL), 0);
    CHECK(call->nil);
    CHECK_INT(host_call(&h, rt, call, "fail", "-77 as asked"), -77);
    CHECK_TEXT(host_answer(call), "as asked");
    CHECK_INT(host_call(&h, rt, call, "missing", NULL), RESTY_FFI_NO_METHOD);
    CHECK_INT(host_call(&h, rt, call, "abroad", NULL), RESTY_FFI_BAD_ARGUMENT);
    CHECK_INT(host_submit(rt, call, "never", NULL), 0);
    host_rest(&h, 20);
    resty_ffi_call_cancel(call, RESTY_FFI_TIMEOUT);
    host_expect(&h, rt, "cancelled", NULL, "1");
    host_expect(&h, rt, "log", "warn from afar", "");
    CHECK(host_logged(&h, "5 ffi_c_methods: from afar"));
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(by_descriptor_and_by_version_1)
{
    host_open(&h);
    for (int k = 0; k < 200; k++) {
        host_expect(&h, host_load(&h, "ffi_c_methods", "wait=edge", &host_process), "echo", "edge", "edge");
        host_expect(&h, host_load(&h, "ffi_c_methods", "wait=level", &host_process), "echo", "level", "level");
        host_expect(&h, host_load(&h, "ffi_c_original", "2", &host_process), "x", "echo one", "one");
    }
    host_close(&h);
}

TEST(it_is_another_process_and_stays_the_same)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    pid_t pid = child_of(&h, rt);
    CHECK(pid != getpid());
    CHECK_INT(parent_of(parent_of(pid)), getpid());
    CHECK_INT(child_of(&h, rt), pid);
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    CHECK_INT(s.process, 1);
    CHECK_INT(s.up, 1);
    CHECK_INT(s.restarts, 0);
    host_close(&h);
}

TEST(workers_share_the_calls)
{
    enum { N = 3 };
    resty_ffi_call *calls[N];
    pid_t pids[N];
    resty_ffi_options o = with_workers(N);
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &o);
    uint64_t start = check_now();
    for (int k = 0; k < N; k++)
        CHECK_INT(host_submit(rt, calls[k] = resty_ffi_call_new(h.loop), "block", "1500"), 0);
    for (int k = 0; k < N; k++)
        host_wait(&h, calls[k], 20000);
    CHECK(check_now() - start < 4500); /* at the same time */
    /* A call keeps each process busy, so the next call goes to another process. */
    for (int k = 0; k < N; k++) {
        pids[k] = child_of(&h, rt);
        CHECK_INT(host_submit(rt, calls[k], "never", NULL), 0);
        for (int j = 0; j < k; j++)
            CHECK(pids[j] != pids[k]);
    }
    for (int k = 0; k < N; k++)
        resty_ffi_call_free(calls[k]);
    host_close(&h);
}

TEST(descriptors_of_the_host_are_closed)
{
    int listening = socket(AF_INET, SOCK_STREAM, 0), high = fcntl(listening, F_DUPFD, 300), low = dup(listening);
    CHECK(listening >= 0 && high >= 300 && low >= 0);
    host_open(&h);
    host_expect(&h, host_load(&h, "ffi_c_methods", NULL, &host_process), "descriptors", NULL, "0 1 2 3 4 5 6");
    host_close(&h);
}

TEST(the_environment_is_the_hosts)
{
    setenv("RESTY_FFI_TEST", "a value", 1);
    setenv("RESTY_FFI_QUEUE", "an old one", 1); /* as in a host that a host started */
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    host_expect(&h, rt, "env", "RESTY_FFI_TEST", "a value");
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "env", "RESTY_FFI_QUEUE"), 0);
    CHECK(call->nil); /* not for the programs that the runtime starts */
    CHECK_TEXT(getenv("RESTY_FFI_QUEUE"), "an old one");
    resty_ffi_call_free(call);
    host_close(&h);
}

static void fails(const char *lib, const char *cfg, const char *why)
{
    CHECK(!host_try(&h, lib, cfg, &host_process));
    CHECK_HAS(h.error, lib);
    CHECK_HAS(h.error, why);
}

TEST(a_failing_start_is_explained)
{
    host_open(&h);
    fails("ffi_c_init3", NULL, "libffi_init returned 3");
    fails("ffi_c_init3", "the licence has expired", "the licence has expired");
    fails("ffi_c_notaruntime", NULL, "it is not a runtime");
    fails("ffi_nowhere", NULL, "searched LD_LIBRARY_PATH");
    fails("/nonexistent/lib.so", NULL, "/nonexistent/lib.so");
    resty_ffi_options o = with_workers(3);
    CHECK(!host_try(&h, "ffi_c_init3", NULL, &o));
    CHECK_HAS(h.error, "libffi_init returned 3");
    host_expect(&h, host_load(&h, "ffi_c_methods", NULL, &host_process), "echo", "x", "x");
    CHECK_SOON((host_run(&h, 0), own_children() == 1), 20000); /* the failed ones are gone */
    host_close(&h);
}

TEST(an_init_that_hangs_is_killed)
{
    resty_ffi_options o = host_process;
    o.load_timeout_ms = 300;
    host_open(&h);
    uint64_t start = check_now();
    CHECK(!host_try(&h, "ffi_c_inithang", NULL, &o));
    CHECK(check_now() - start >= 300);
    CHECK(check_now() - start < CHECK_QUICK_MS);
    CHECK_HAS(h.error, "300 ms (load_timeout)");
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 20000);
    host_close(&h);
}

TEST(a_missing_runner_is_explained)
{
    host_open(&h);
    setenv("RESTY_FFI_RUNNER", "/nonexistent/resty-ffi-run", 1);
    fails("ffi_c_methods", NULL, "/nonexistent/resty-ffi-run failed: No such file or directory (ENOENT)");
    setenv("RESTY_FFI_RUNNER", "/etc/passwd", 1);
    fails("ffi_c_methods", NULL, "the start of /etc/passwd failed: Permission denied (EACCES)");
    host_close(&h);
}

TEST(a_small_queue_is_full_at_once)
{
    resty_ffi_options o = host_process;
    o.max_queue = 1;
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &o);
    resty_ffi_call *a = resty_ffi_call_new(h.loop), *b = resty_ffi_call_new(h.loop), *c = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(rt, a, "block", "1500"), 0);
    host_rest(&h, 100);
    CHECK_INT(host_submit(rt, b, "echo", "x"), 0);
    CHECK_INT(host_submit(rt, c, "echo", "x"), RESTY_FFI_QUEUE_FULL);
    host_wait(&h, b, 20000);
    CHECK_INT(host_call(&h, rt, c, "echo", "x"), 0);
    resty_ffi_call_free(a);
    resty_ffi_call_free(b);
    resty_ffi_call_free(c);
    host_close(&h);
}

TEST(many_in_flight_come_back_right)
{
    enum { IN_FLIGHT = 64 };
    uint32_t calls = CHECK_SANITIZED ? 3000 : 30000, started = 0, done = 0;
    resty_ffi_call *own[IN_FLIGHT];
    char sent[IN_FLIGHT][32];
    resty_ffi_options o = with_workers(2);
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", "threads=2", &o);
    for (int k = 0; k < IN_FLIGHT; k++)
        own[k] = resty_ffi_call_new(h.loop);
    while (done < calls) {
        for (int k = 0; k < IN_FLIGHT; k++) {
            if (own[k]->state == RESTY_FFI_DONE) {
                CHECK_INT(own[k]->status, 0);
                CHECK_TEXT(host_answer(own[k]), sent[k]);
                resty_ffi_call_release(own[k]);
                done++;
            }
            if (own[k]->state == RESTY_FFI_IDLE && started < calls) {
                snprintf(sent[k], sizeof sent[k], "call %u", started++);
                CHECK_INT(host_submit(rt, own[k], "echo", sent[k]), 0);
            }
        }
        if (done < calls)
            host_run(&h, 10000);
    }
    for (int k = 0; k < IN_FLIGHT; k++)
        resty_ffi_call_free(own[k]);
    host_close(&h);
}
