/*
 * A mutex on a futex, for what is not on the path of a call. Any file, any thread. Not pthread's: libresty_ffi.so
 * carries no symbol versions, and must run on any libc that its host uses.
 */
#ifndef RF_LOCK_H
#define RF_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint32_t rf_lock; /* 0 free, 1 held, 2 held and somebody waits */

void rf_lock_acquire(rf_lock *l);
void rf_lock_release(rf_lock *l);

#endif
