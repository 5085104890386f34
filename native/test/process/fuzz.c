/* A child whose memory is written to at random while calls run. The seed is printed; RESTY_FFI_SEED sets it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../check.h"
#include "children.h"

#define DURATION_MS 4000
#define IN_FLIGHT 16

TEST(random_writes_by_a_child)
{
    struct host h;
    const char *given = getenv("RESTY_FFI_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    resty_ffi_options o = host_process;
    o.max_queue = 256;
    o.drain_ms = 200; /* one that happens to say that it finishes something lives no longer */
    resty_ffi_call *calls[IN_FLIGHT];
    uint64_t started[IN_FLIGHT] = {0};
    unsigned rounds = 0, answered = 0, ended_badly = 0;
    host_open(&h);
    resty_ffi_runtime *neighbour = host_load(&h, "ffi_c_methods", "threads=2", &host_process);
    for (int k = 0; k < IN_FLIGHT; k++)
        calls[k] = resty_ffi_call_new(h.loop);
    for (uint64_t end = check_now() + DURATION_MS; check_now() < end; rounds++) {
        char order[64];
        snprintf(order, sizeof order, "fuzz %llu", (unsigned long long)(check_random(&seed) >> 1));
        /* A fresh process for each round, so that the back-off does not eat the time. */
        resty_ffi_runtime *rt = host_load(&h, "ffi_c_garbage", NULL, &o);
        int rc = host_call(&h, rt, calls[0], "any", order); /* the answer may be spoilt already */
        CHECK(rc == 0 || rc == RESTY_FFI_EXITED || rc == RESTY_FFI_BAD_ARGUMENT);
        resty_ffi_call_release(calls[0]);
        for (uint64_t stop = check_now() + 250; check_now() < stop;) {
            for (int k = 0; k < IN_FLIGHT; k++) {
                if (calls[k]->state == RESTY_FFI_IN_FLIGHT && check_now() - started[k] > 30)
                    resty_ffi_call_cancel(calls[k], RESTY_FFI_TIMEOUT);
                if (calls[k]->state == RESTY_FFI_DONE) {
                    host_answer(calls[k]);
                    calls[k]->status ? ended_badly++ : answered++;
                    resty_ffi_call_release(calls[k]);
                }
                if (calls[k]->state == RESTY_FFI_IDLE) {
                    started[k] = check_now();
                    if (host_submit(rt, calls[k], "any", "echo") != 0)
                        ended_badly++;
                }
            }
            uint64_t round = check_now();
            host_run(&h, 2);
            CHECK(check_now() - round < 5000);
        }
        host_expect(&h, neighbour, "echo", "fine", "fine");
        for (int k = 0; k < IN_FLIGHT; k++) {
            resty_ffi_call_cancel(calls[k], RESTY_FFI_TIMEOUT);
            resty_ffi_call_release(calls[k]);
        }
        host_unload(&h, rt);
    }
    for (int k = 0; k < IN_FLIGHT; k++)
        resty_ffi_call_free(calls[k]);
    CHECK_SOON((host_run(&h, 1), own_children() == 1), 20000);
    host_expect(&h, neighbour, "echo", "fine", "fine");
    printf("%u rounds, %u answers, %u failures\n", rounds, answered, ended_badly);
    CHECK(rounds > 2);
    host_close(&h);
}
