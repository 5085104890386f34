/* Runtimes written for version 1, good and bad, under a host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../check.h"
#include "../host.h"

static struct host h;

static resty_ffi_stats stats(resty_ffi_runtime *rt)
{
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    return s;
}

TEST(a_well_behaved_one_just_works)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_original", "4", &host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    host_expect(&h, rt, "whatever", "echo some text", "some text");
    host_expect(&h, rt, "any other", "echo", "");
    host_expect(&h, rt, "x", "config", "4");
    CHECK_INT(host_call(&h, rt, call, "x", NULL), 0);
    CHECK(call->nil);
    CHECK_INT(host_call(&h, rt, call, "x", "none"), 0);
    CHECK(call->nil);
    CHECK_INT(host_call(&h, rt, call, "x", "empty"), 0);
    CHECK(!call->nil && call->len == 0);
    CHECK_INT(host_call(&h, rt, call, "x", "fail 17 as asked"), 17);
    CHECK_TEXT(host_answer(call), "as asked");
    CHECK_INT(host_call(&h, rt, call, "x", "fill 1000000"), 0);
    CHECK_INT(call->len, 1000000);
    for (int k = 0; k < 1000000; k++)
        CHECK_INT((unsigned char)call->data[k], k % 251);
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(one_that_answers_twice)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_twice", NULL, &host_thread);
    for (int k = 0; k < 3000; k++)
        host_expect(&h, rt, "x", "y", "first");
    CHECK_SOON(host_logged(&h, "answered a task twice"), 20000);
    CHECK_INT(stats(rt).answered, 3000);
    resty_ffi_runtime_unload(rt);
    host_rest(&h, 20);
    host_close(&h);
}

TEST(one_with_negative_lengths)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_negative", NULL, &host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    for (int k = 0; k < 100; k++) {
        CHECK_INT(host_call(&h, rt, call, "x", "y"), RESTY_FFI_BAD_ARGUMENT);
        CHECK_TEXT(host_answer(call), "the runtime answered with a negative length");
    }
    CHECK(host_logged(&h, "answered with a length of -1"));
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(one_that_never_answers)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_silent", NULL, &host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    for (int k = 0; k < 100; k++) {
        CHECK_INT(host_submit(rt, call, "x", "y"), 0);
        host_rest(&h, 1);
        CHECK_INT(call->state, RESTY_FFI_IN_FLIGHT);
        resty_ffi_call_cancel(call, RESTY_FFI_TIMEOUT);
    }
    CHECK_INT(stats(rt).timed_out, 100);
    resty_ffi_runtime_unload(rt);
    host_rest(&h, 20);
    CHECK_INT(host_submit(rt, call, "x", "y"), RESTY_FFI_UNLOADED);
    host_expect(&h, host_load(&h, "ffi_c_echo1", NULL, &host_thread), "x", "y", "y");
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(one_that_answers_after_its_unload)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_late", "50", &host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    int descriptors = check_descriptors();
    for (int k = 0; k < 100; k++) {
        CHECK_INT(host_submit(rt, call, "x", "keep"), 0);
        resty_ffi_call_cancel(call, RESTY_FFI_TIMEOUT);
    }
    resty_ffi_runtime_unload(rt);
    host_rest(&h, 120); /* the answers come now, and are dropped */
    host_load(&h, "ffi_c_echo1", NULL, &host_thread);
    CHECK(check_descriptors() <= descriptors); /* when all are answered its queue goes */
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(one_that_answers_again_when_its_queue_is_gone)
{
    char text[4096];
    int pipes[2], saved = dup(STDERR_FILENO);
    CHECK(pipe(pipes) == 0);
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_late", "150", &host_thread);
    for (int k = 0; k < 10; k++)
        host_expect(&h, rt, "x", "y", "in time");
    int descriptors = check_descriptors();
    dup2(pipes[1], STDERR_FILENO);
    resty_ffi_runtime_unload(rt);
    host_rest(&h, 50);
    rt = host_load(&h, "ffi_c_echo1", NULL, &host_thread); /* the host tidies up when it loads */
    int then = check_descriptors();
    ssize_t n = read(pipes[0], text, sizeof text - 1); /* waits for the late answer */
    dup2(saved, STDERR_FILENO);
    CHECK_INT(then, descriptors);
    text[n > 0 ? n : 0] = 0;
    CHECK_HAS(text, "answered after its runtime was unloaded");
    host_expect(&h, rt, "x", "y", "y");
    host_close(&h);
}

TEST(calls_in_flight_finish_before_the_unload)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_original", "2", &host_thread);
    resty_ffi_call *calls[6];
    for (int k = 0; k < 6; k++)
        CHECK_INT(host_submit(rt, calls[k] = resty_ffi_call_new(h.loop), "x", "block 40"), 0);
    resty_ffi_runtime_unload(rt);
    for (int k = 0; k < 6; k++) {
        host_wait(&h, calls[k], 20000);
        CHECK_TEXT(host_answer(calls[k]), "blocked");
        resty_ffi_call_free(calls[k]);
    }
    host_close(&h);
}

TEST(requests_end_with_a_nul_that_is_not_counted)
{
    /* Sizes at which the NUL is the first byte beyond a block of its class. */
    static const size_t sizes[] = {255, 256, 257, 1023, 1024, 4096, 65536, 1 << 20};
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_original", NULL, &host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    int method = resty_ffi_runtime_method(rt, "x", 1);
    char *request = malloc((1 << 20) + 10);
    memset(request, '1', (1 << 20) + 10); /* "fill" reads digits until the NUL */
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        size_t len = sizes[k];
        memset(request, ' ', len);
        memcpy(request, "fill", 4);
        request[len - 1] = '7';
        CHECK_INT(resty_ffi_call_submit(rt, call, (uint32_t)method, request, len, 0), 0);
        request[len - 1] = '1';
        memset(request, '1', len);
        host_wait(&h, call, 20000);
        CHECK_INT(call->status, 0);
        CHECK_INT(call->len, 7);
    }
    free(request);
    resty_ffi_call_free(call);
    host_close(&h);
}
