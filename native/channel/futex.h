/* Futex calls. Any thread. shared: the word lives in memory that another process maps. */
#ifndef RF_FUTEX_H
#define RF_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/* 0, or an errno. timeout_ms < 0 = for ever. */
int rf_futex_wait(_Atomic uint32_t *word, uint32_t value, int timeout_ms, int shared);
/* Returns how many it woke. */
int rf_futex_wake(_Atomic uint32_t *word, int count, int shared);

#endif
