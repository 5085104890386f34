#include "pool.h"

/* Many more tries than any real contention needs: only a hostile process makes them run out. */
#define TRIES 100000

/* Links: the next free index or END, with RF_COLD on top; or RF_USED or GIVING. */
#define END 0x7fffffffu
#define GIVING 0xfffffffdu

uint32_t rf_pool_take(const struct rf_pool *p, bool *cold)
{
    /* Acquire: what the giver did to the memory behind the index happened before. */
    uint64_t top = atomic_load_explicit(&p->head->top, memory_order_acquire);
    for (int i = 0; i < TRIES; i++) {
        uint32_t index = (uint32_t)top;
        if (index == RF_NONE)
            break;
        if (index >= p->count)
            return RF_NONE;
        uint32_t link = atomic_load_explicit(&p->links[index], memory_order_relaxed);
        uint32_t next = (link & ~RF_COLD) == END ? RF_NONE : link & ~RF_COLD;
        /* The tag changes with every take and give, so a link that was read too late makes the exchange fail. */
        uint64_t want = ((top >> 32) + 1) << 32 | next;
        if (atomic_compare_exchange_weak_explicit(&p->head->top, &top, want, memory_order_acquire,
                                                  memory_order_acquire)) {
            atomic_store_explicit(&p->links[index], RF_USED, memory_order_relaxed);
            *cold = (link & RF_COLD) != 0;
            return index;
        }
    }
    if (atomic_load_explicit(&p->head->fresh, memory_order_relaxed) >= p->count)
        return RF_NONE;
    uint32_t index = atomic_fetch_add_explicit(&p->head->fresh, 1, memory_order_relaxed);
    if (index >= p->count) {
        atomic_store_explicit(&p->head->fresh, p->count, memory_order_relaxed);
        return RF_NONE;
    }
    atomic_store_explicit(&p->links[index], RF_USED, memory_order_relaxed);
    *cold = true;
    return index;
}

bool rf_pool_claim(const struct rf_pool *p, uint32_t index)
{
    uint32_t used = RF_USED;
    return index < p->count && atomic_compare_exchange_strong_explicit(&p->links[index], &used, GIVING,
                                                                       memory_order_relaxed, memory_order_relaxed);
}

void rf_pool_give_claimed(const struct rf_pool *p, uint32_t index, bool cold)
{
    uint64_t top = atomic_load_explicit(&p->head->top, memory_order_relaxed);
    for (int i = 0; i < TRIES; i++) {
        uint32_t next = (uint32_t)top;
        uint32_t link = (next == RF_NONE ? END : next) | (cold ? RF_COLD : 0);
        atomic_store_explicit(&p->links[index], link, memory_order_relaxed);
        uint64_t want = ((top >> 32) + 1) << 32 | index;
        /* Release: see rf_pool_take. */
        if (atomic_compare_exchange_weak_explicit(&p->head->top, &top, want, memory_order_release,
                                                  memory_order_relaxed))
            return;
    }
}

bool rf_pool_give(const struct rf_pool *p, uint32_t index, bool cold)
{
    if (!rf_pool_claim(p, index))
        return false;
    rf_pool_give_claimed(p, index, cold);
    return true;
}

bool rf_pool_used(const struct rf_pool *p, uint32_t index)
{
    return index < p->count && atomic_load_explicit(&p->links[index], memory_order_relaxed) == RF_USED;
}
