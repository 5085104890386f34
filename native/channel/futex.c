#include "futex.h"

#include <errno.h>
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
