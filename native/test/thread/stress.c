/* The whole thread transport under load: several pollers and senders, cancellation, unloading. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "../host.h"

#define IN_FLIGHT 48
#define DURATION_MS 1500

/* Calls of all kinds, some cancelled at random moments; each answer must be its own call's. */
static void mixed_load(struct host *h, resty_ffi_runtime *rt, bool original, uint64_t seed, int ms)
{
    static const char *const methods[] = {"echo", "sleep", "never", "block", "fail"};
    resty_ffi_call *calls[IN_FLIGHT];
    char want[IN_FLIGHT][64];
    for (int k = 0; k < IN_FLIGHT; k++)
        calls[k] = resty_ffi_call_new(h->loop);
    for (uint64_t end = check_now() + (uint64_t)ms; check_now() < end;) {
        int k = (int)(check_random(&seed) % IN_FLIGHT), what = (int)(check_random(&seed) % 8);
        if (calls[k]->state == RESTY_FFI_IN_FLIGHT) {
            if (what < 2)
                resty_ffi_call_cancel(calls[k], what ? RESTY_FFI_TIMEOUT : RESTY_FFI_CANCELLED);
        } else {
            if (calls[k]->state == RESTY_FFI_DONE) {
                if (strncmp(want[k], "fail ", 5) == 0)
                    CHECK_INT(calls[k]->status, 9);
                else
                    CHECK_INT(calls[k]->status, 0);
                if (*want[k] == 'e')
                    CHECK_TEXT(host_answer(calls[k]), want[k] + 5);
            }
            const char *method = methods[what < 5 ? what : 0];
            if (strcmp(method, "never") == 0 && original)
                method = "echo";
            snprintf(want[k], sizeof want[k], "%s %s", method,
                     *method == 'e' || *method == 'n' ? ""
                     : *method == 'f'                 ? "9 failed"
                                                      : "1");
            if (*method == 'e')
                snprintf(want[k], sizeof want[k], "echo %llu", (unsigned long long)check_random(&seed));
            if (original && *method == 's')
                snprintf(want[k], sizeof want[k], "echo s");
            int rc =
                host_submit(rt, calls[k], original ? "any" : method, original ? want[k] : strchr(want[k], ' ') + 1);
            CHECK(rc == 0 || rc == RESTY_FFI_QUEUE_FULL);
        }
        if (check_random(&seed) % 4 == 0)
            host_run(h, 0);
        if (check_random(&seed) % 64 == 0)
            host_run(h, 1);
    }
    for (int k = 0; k < IN_FLIGHT; k++)
        resty_ffi_call_free(calls[k]);
}

static void under_load(const char *lib, const char *cfg)
{
    struct host h;
    resty_ffi_options o = host_thread;
    o.max_queue = 64;
    host_open(&h);
    mixed_load(&h, host_load(&h, lib, cfg, &o), strcmp(lib, "ffi_c_original") == 0, 7, DURATION_MS);
    host_close(&h);
}

TEST(pollers_that_sleep)
{
    under_load("ffi_c_methods", "threads=4");
}

TEST(pollers_by_descriptor_edge)
{
    under_load("ffi_c_methods", "threads=3 wait=edge");
}

TEST(pollers_by_descriptor_level)
{
    under_load("ffi_c_methods", "threads=3 wait=level");
}

TEST(version_1)
{
    under_load("ffi_c_original", "4");
}

TEST(loads_and_unloads_under_load)
{
    static const char *const cfgs[] = {"threads=2", "threads=3 wait=edge", "threads=1 wait=level", "2"};
    struct host h;
    host_open(&h);
    uint64_t end = check_now() + DURATION_MS;
    for (unsigned k = 0; check_now() < end; k++) {
        bool original = k % 4 == 3;
        resty_ffi_runtime *rt = host_load(&h, original ? "ffi_c_original" : "ffi_c_methods", cfgs[k % 4], &host_thread);
        mixed_load(&h, rt, original, k, 10);
        host_unload(&h, rt); /* with answers still to come */
    }
    host_close(&h);
}

/* One host each: loops of several threads share nothing but code. */
static void *one_host(void *arg)
{
    struct host h;
    host_open(&h);
    mixed_load(&h, host_load(&h, "ffi_c_methods", arg, &host_thread), false, (uint64_t)(uintptr_t)arg, DURATION_MS / 2);
    host_close(&h);
    return NULL;
}

TEST(several_hosts_in_one_process)
{
    pthread_t t[3];
    static char cfg[] = "threads=2";
    for (int k = 0; k < 3; k++)
        CHECK(pthread_create(&t[k], NULL, one_host, cfg) == 0);
    for (int k = 0; k < 3; k++)
        pthread_join(t[k], NULL);
}
