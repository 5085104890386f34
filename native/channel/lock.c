#include "lock.h"

#include "futex.h"

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
