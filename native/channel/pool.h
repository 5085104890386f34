/*
 * A pool of indices 0 … count-1, lock-free, last in first out so that what was just used (and is in the cache) is used
 * next. Indices that were never used come from a counter, so memory behind them stays untouched until it is needed.
 * Any thread of any process may take and give. What is read from shared memory is checked against count, and every
 * loop is bounded: a process that corrupts its pool makes takes fail, never hang or point outside.
 */
#ifndef RF_POOL_H
#define RF_POOL_H

#include "layout.h"

struct rf_pool {
    struct rf_pool_head *head;
    _Atomic uint32_t *links; /* of a free index: the next free one; of a used one: RF_USED */
    uint32_t count;
};

#define RF_USED 0xfffffffeu
#define RF_COLD 0x80000000u /* mark on a link: the memory behind this index has been given back to the system */

/* An index, or RF_NONE. *cold tells whether its memory is untouched or given back. */
uint32_t rf_pool_take(const struct rf_pool *p, bool *cold);
/* False if the index is not in use (a second free) or out of range. cold: its memory was given back. */
bool rf_pool_give(const struct rf_pool *p, uint32_t index, bool cold);
/* Steps before giving: claims the index, so that its memory may be given back before others see it as free. */
bool rf_pool_claim(const struct rf_pool *p, uint32_t index);
void rf_pool_give_claimed(const struct rf_pool *p, uint32_t index, bool cold);
/* Whether an index is in use now. */
bool rf_pool_used(const struct rf_pool *p, uint32_t index);

#endif
