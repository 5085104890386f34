/*
 * The floor under every call: two threads of one process wake each other, a futex one way, an eventfd in an epoll set
 * the other, and nothing is carried. Prints one line of JSON. Usage: floor SECONDS
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS 200000 /* of 0.1 µs */

static _Atomic uint32_t request;
static int reply;

static void futex(int op, uint32_t value)
{
    syscall(SYS_futex, &request, op, value, NULL, NULL, 0);
}

static void *answer(void *arg)
{
    uint64_t one = 1;
    for (;;) {
        while (!atomic_exchange(&request, 0))
            futex(FUTEX_WAIT_PRIVATE, 0);
        if (write(reply, &one, sizeof one) != sizeof one)
            return arg;
    }
}

static uint64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_us(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    static uint32_t histogram[BUCKETS];
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    pthread_t t;
    reply = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll < 0 || reply < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, reply, &e) != 0 ||
        pthread_create(&t, NULL, answer, NULL) != 0)
        return 1;
    uint64_t warm = nanoseconds() + 100000000u, end = warm + (uint64_t)(seconds * 1e9), start = 0, now = 0, count = 0;
    double cpu = 0;
    while (now < end) {
        uint64_t before = nanoseconds();
        atomic_store(&request, 1);
        futex(FUTEX_WAKE_PRIVATE, 1);
        epoll_wait(epoll, &e, 1, -1);
        now = nanoseconds();
        if (now < warm)
            continue;
        if (!start) {
            start = now;
            cpu = cpu_us();
            continue;
        }
        uint64_t bucket = (now - before) / 100;
        histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
        count++;
    }
    uint64_t seen = 0;
    double p50 = -1, p99 = -1;
    for (int b = 0; b < BUCKETS; b++) {
        seen += histogram[b];
        if (p50 < 0 && seen * 2 >= count)
            p50 = b / 10.0;
        if (p99 < 0 && seen * 100 >= count * 99)
            p99 = b / 10.0;
    }
    printf("{\"calls\":%llu,\"seconds\":%.6f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"cpu_us\":%.0f}\n",
           (unsigned long long)count, (double)(now - start) / 1e9, p50, p99, cpu_us() - cpu);
    return 0;
}
