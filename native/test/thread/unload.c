/* Unloading: with calls in flight, again and again, and calls after it. */
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "../host.h"

static struct host h;

TEST(calls_in_flight_finish_first)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", "threads=4", &host_thread);
    resty_ffi_call *calls[4];
    for (int k = 0; k < 4; k++)
        CHECK_INT(host_submit(rt, calls[k] = resty_ffi_call_new(h.loop), k % 2 ? "sleep" : "block", "100"), 0);
    resty_ffi_runtime_unload(rt);
    for (int k = 0; k < 4; k++) {
        host_wait(&h, calls[k], 20000);
        CHECK_INT(calls[k]->status, 0);
        CHECK_TEXT(host_answer(calls[k]), k % 2 ? "slept" : "blocked");
        resty_ffi_call_free(calls[k]);
    }
    host_close(&h);
}

TEST(calls_after_unload_are_refused)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    host_expect(&h, rt, "echo", "x", "x");
    resty_ffi_runtime_unload(rt);
    CHECK_INT(host_submit(rt, call, "echo", "x"), RESTY_FFI_UNLOADED);
    host_rest(&h, 50);
    CHECK_INT(host_submit(rt, call, "echo", "x"), RESTY_FFI_UNLOADED);
    CHECK_HAS(resty_ffi_runtime_explain(rt, RESTY_FFI_UNLOADED), "\"ffi_c_methods\" was unloaded");
    resty_ffi_runtime_unload(rt); /* once more is fine */
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(it_can_be_loaded_again_at_once)
{
    host_open(&h);
    resty_ffi_runtime *first = host_load(&h, "ffi_c_methods", NULL, &host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(first, call, "block", "100"), 0);
    resty_ffi_runtime_unload(first);
    resty_ffi_runtime *second = host_load(&h, "ffi_c_methods", NULL, &host_thread);
    CHECK(second != first);
    host_expect(&h, second, "echo", "x", "x"); /* while the first still drains */
    host_wait(&h, call, 20000);
    CHECK_TEXT(host_answer(call), "blocked");
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(a_call_that_is_never_answered_holds_it_until_it_is_cancelled)
{
    host_open(&h);
    int before = check_descriptors();
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(rt, call, "never", NULL), 0);
    resty_ffi_runtime_unload(rt);
    host_rest(&h, 50);
    CHECK(check_descriptors() > before);
    resty_ffi_call_cancel(call, RESTY_FFI_TIMEOUT);
    CHECK_SOON((host_run(&h, 0), check_descriptors() == before), 20000);
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(one_that_closes_its_queue_unasked_is_gone)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop), *waiting = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(rt, waiting, "never", NULL), 0);
    CHECK_INT(host_call(&h, rt, call, "close", NULL), 0);
    host_wait(&h, waiting, 20000); /* the runtime cancels what it holds, or the host finds that it is gone */
    CHECK(waiting->status == RESTY_FFI_CANCELLED || waiting->status == RESTY_FFI_EXITED);
    CHECK_SOON((host_run(&h, 0), host_logged(&h, "exited (it closed its queue); it is not restarted")), 20000);
    CHECK_INT(host_submit(rt, call, "echo", "x"), RESTY_FFI_EXITED);
    CHECK_HAS(resty_ffi_runtime_explain(rt, RESTY_FFI_EXITED), "closed its queue");
    resty_ffi_runtime_unload(rt);
    host_expect(&h, host_load(&h, "ffi_c_methods", NULL, &host_thread), "echo", "x", "x");
    resty_ffi_call_free(call);
    resty_ffi_call_free(waiting);
    host_close(&h);
}

static void again_and_again(const char *lib, const char *cfg, const char *text, long most_kb)
{
    int descriptors = 0, none;
    long resident = 0;
    host_open(&h);
    none = check_descriptors();
    for (int k = 0; k < 220; k++) {
        if (k == 20) {
            /* From here on nothing may grow: let the ones before end. */
            check_sleep(20);
            host_rest(&h, 20);
            descriptors = check_descriptors();
            resident = check_resident_kb();
        }
        resty_ffi_runtime *rt = host_load(&h, lib, cfg, &host_thread);
        for (int j = 0; j < 5; j++)
            host_expect(&h, rt, "echo", text, strncmp(text, "echo ", 5) == 0 ? text + 5 : text);
        host_unload(&h, rt);
        /* On a busy machine many would live at once otherwise. Those of version 1 go with the next load. */
        if (strcmp(lib, "ffi_c_methods") == 0)
            CHECK_SOON((host_run(&h, 0), check_descriptors() <= none), 20000);
    }
    CHECK_SOON((host_unload(&h, host_load(&h, lib, cfg, &host_thread)), host_rest(&h, 20),
                check_descriptors() <= descriptors + 2),
               20000);
    long grown = check_resident_kb() - resident;
    if (grown > (CHECK_SANITIZED ? 40000 : most_kb))
        check_failed(__FILE__, __LINE__, "200 unloads cost %ld KB", grown);
    host_close(&h);
}

TEST(two_hundred_times_version_2)
{
    again_and_again("ffi_c_methods", "threads=2", "text", 400);
}

TEST(two_hundred_times_version_1)
{
    again_and_again("ffi_c_original", "2", "echo text", 2500);
}

TEST(two_hundred_times_by_descriptor)
{
    again_and_again("ffi_c_methods", "threads=2 wait=level", "text", 400);
}

TEST(a_runtime_stays_until_its_last_handle_is_given_back)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", "a configuration", &host_thread);
    CHECK(host_load(&h, "ffi_c_methods", "a configuration", &host_thread) == rt);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    host_release(&h, rt); /* it goes on */
    host_expect(&h, rt, "echo", "x", "x");
    CHECK_INT(host_submit(rt, call, "block", "50"), 0);
    resty_ffi_runtime_unload(rt);
    host_wait(&h, call, 20000);
    CHECK_TEXT(host_answer(call), "blocked");
    host_rest(&h, 20);
    CHECK_INT(host_submit(rt, call, "echo", "x"), RESTY_FFI_UNLOADED);
    CHECK_TEXT(resty_ffi_runtime_name(rt), "ffi_c_methods");
    host_release(&h, rt);
    /* Released while it drains: the last answer frees it. */
    rt = host_load(&h, "ffi_c_methods", NULL, &host_thread);
    CHECK_INT(host_submit(rt, call, "block", "50"), 0);
    host_unload(&h, rt);
    host_wait(&h, call, 20000);
    CHECK_TEXT(host_answer(call), "blocked");
    /* Released while it serves, and found again by its key. */
    rt = host_load(&h, "ffi_c_methods", NULL, &host_thread);
    host_release(&h, rt);
    CHECK(host_load(&h, "ffi_c_methods", NULL, &host_thread) == rt);
    host_expect(&h, rt, "echo", "x", "x");
    resty_ffi_runtime_release(NULL);
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(two_hundred_failures_to_load_leave_nothing)
{
    host_open(&h);
    static const char *const libs[] = {"ffi_c_init3", "ffi_c_notaruntime", "ffi_nowhere"};
    for (int l = 0; l < 3; l++) {
        int descriptors = 0;
        for (int k = 0; k < 100; k++) {
            CHECK(!host_try(&h, libs[l], NULL, &host_thread));
            host_run(&h, 0);
            if (k == 10)
                descriptors = check_descriptors();
        }
        CHECK_SOON((host_try(&h, libs[l], NULL, &host_thread), host_rest(&h, 10), check_descriptors() <= descriptors),
                   20000);
    }
    host_close(&h);
}

TEST(closing_the_loop_ends_everything_in_time)
{
    int before = check_descriptors();
    host_open(&h);
    resty_ffi_runtime *a = host_load(&h, "ffi_c_methods", "threads=3", &host_thread);
    resty_ffi_runtime *b = host_load(&h, "ffi_c_original", "3", &host_thread);
    resty_ffi_call *never = resty_ffi_call_new(h.loop), *stuck = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(a, never, "never", NULL), 0);
    CHECK_INT(host_submit(b, stuck, "any", "block 10000"), 0);
    host_rest(&h, 20);
    uint64_t start = check_now();
    resty_ffi_loop_close(h.loop, 200);
    CHECK(check_now() - start < CHECK_QUICK_MS);
    CHECK_INT(host_submit(a, never, "echo", NULL), RESTY_FFI_BAD_ARGUMENT); /* still in flight, for ever */
    resty_ffi_call *late = resty_ffi_call_new(h.loop);
    CHECK_INT(host_submit(a, late, "echo", NULL), RESTY_FFI_UNLOADED);
    CHECK(!host_try(&h, "ffi_c_echo2", NULL, &host_thread));
    CHECK_HAS(h.error, "shutting down");
    resty_ffi_call_free(late);
    resty_ffi_call_free(never);
    resty_ffi_call_free(stuck);
    host_close(&h);
    CHECK(check_descriptors() <= before + 4);
}
