#include "lock.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int rf_futex_wait(_Atomic uint32_t *word, uint32_t value, int timeout_ms, int shared)
{
    struct timespec t = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
    int op = shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE;
    return syscall(SYS_futex, word, op, value, timeout_ms < 0 ? NULL : &t, NULL, 0) < 0 ? errno : 0;
}

int rf_futex_wake(_Atomic uint32_t *word, int count, int shared)
{
    return (int)syscall(SYS_futex, word, shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void rf_lock_acquire(rf_lock *l)
{
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong(l, &seen, 1))
        return;
    while (atomic_exchange(l, 2) != 0)
        rf_futex_wait(l, 2, -1, 0);
}

void rf_lock_release(rf_lock *l)
{
    if (atomic_exchange(l, 0) == 2)
        rf_futex_wake(l, 1, 0);
}

uint64_t rf_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
