#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "harness.h"

#define BUCKETS 200000 /* of 0.1 µs */
#define BATCH 64

static uint64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_us(int who)
{
    struct rusage r;
    getrusage(who, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static double percentile(const uint32_t *histogram, uint64_t total, double share)
{
    uint64_t seen = 0;
    for (int b = 0; b < BUCKETS; b++)
        if ((double)(seen += histogram[b]) >= (double)total * share)
            return b / 10.0;
    return BUCKETS / 10.0;
}

static int fail(const char *why, const resty_ffi_call *call)
{
    fprintf(stderr, "bench: %s (status %d, %.*s)\n", why, call->status, (int)call->len, call->data ? call->data : "");
    return 1;
}

int harness_bench(resty_ffi_pull *p, resty_ffi_runtime *rt, int in_flight, int bytes, double seconds)
{
    resty_ffi_loop *l = resty_ffi_pull_loop(p);
    int method = resty_ffi_runtime_method(rt, "echo", 4);
    char *payload = malloc((size_t)bytes + 1);
    uint32_t *histogram = calloc(BUCKETS, sizeof *histogram);
    uint64_t *sent = calloc((size_t)in_flight, sizeof *sent);
    resty_ffi_call **calls = calloc((size_t)in_flight, sizeof *calls);
    for (int k = 0; k < bytes; k++)
        payload[k] = (char)('a' + k % 26);
    uint64_t start = nanoseconds(), warm = start + 300000000u, end = warm + (uint64_t)(seconds * 1e9), count = 0;
    double cpu = 0;
    int open = in_flight, status = 0;
    for (int k = 0; k < in_flight; k++) {
        calls[k] = resty_ffi_call_new(l);
        calls[k]->user = (void *)(intptr_t)k;
        sent[k] = nanoseconds();
        if (resty_ffi_call_submit(rt, calls[k], (uint32_t)method, payload, (uint64_t)bytes, 0) != 0)
            return fail("submit failed", calls[k]);
    }
    uint64_t now = start;
    while (open && !status) {
        resty_ffi_call *done[BATCH];
        /* A log line wakes it, too. */
        if (resty_ffi_pull_run(p, 1000) == 0 && nanoseconds() - now > 10000000000u)
            status = fail("no answer within 10 s", calls[0]);
        harness_logs(p);
        for (int n; (n = resty_ffi_pull_done_n(p, done, BATCH)) > 0 && !status;) {
            for (int k = 0; k < n && !status; k++) {
                int slot = (int)(intptr_t)done[k]->user;
                if (done[k]->status != 0 || done[k]->len != (uint64_t)bytes ||
                    memcmp(done[k]->data, payload, (size_t)bytes) != 0)
                    status = fail("wrong answer", done[k]);
                now = nanoseconds();
                if (now >= warm) {
                    if (count++ == 0) {
                        cpu = cpu_us(RUSAGE_SELF);
                        start = now;
                    }
                    uint64_t bucket = (now - sent[slot]) / 100;
                    histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
                }
                sent[slot] = now;
                if (now >= end)
                    open--;
                else if (resty_ffi_call_submit(rt, done[k], (uint32_t)method, payload, (uint64_t)bytes, 0) != 0)
                    status = fail("submit failed", done[k]);
            }
        }
    }
    if (!status)
        printf("{\"in_flight\":%d,\"bytes\":%d,\"p50_us\":%.1f,\"p99_us\":%.1f,\"calls_per_s\":%.0f,\"cpu_us_per_"
               "call\":%.2f}\n",
               in_flight, bytes, percentile(histogram, count, 0.5), percentile(histogram, count, 0.99),
               (double)count * 1e9 / (double)(now - start), (cpu_us(RUSAGE_SELF) - cpu) / (double)count);
    for (int k = 0; k < in_flight; k++)
        resty_ffi_call_free(calls[k]);
    free(calls);
    free(sent);
    free(histogram);
    free(payload);
    return status;
}
