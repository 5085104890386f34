/*
 * A mutex on a futex, for what is not on the path of a call. Not pthread's: libresty_ffi.so carries no symbol versions,
 * and must run on any libc that its host uses.
 */
#ifndef RF_LOCK_H
#define RF_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint32_t rf_lock; /* 0 free, 1 held, 2 held and somebody waits */

void rf_lock_acquire(rf_lock *l);
void rf_lock_release(rf_lock *l);

/* Futex calls. shared: the word lives in memory that another process maps. timeout_ms < 0 = for ever. */
int rf_futex_wait(_Atomic uint32_t *word, uint32_t value, int timeout_ms, int shared);
int rf_futex_wake(_Atomic uint32_t *word, int count, int shared); /* how many it woke */

uint64_t rf_now(void); /* CLOCK_MONOTONIC in ns */

#endif
