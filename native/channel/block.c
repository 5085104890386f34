/* Payload blocks of a channel. */
#include "block.h"

#include <sys/mman.h>

#include "channel.h"

/* Blocks from this class on (1 MB) give their memory back once HOT_LIMIT bytes of such blocks lie unused. */
#define LARGE_CLASS 6
#define HOT_LIMIT ((uint64_t)48 << 20)

uint64_t rf_block_take(const struct rf_channel *c, uint64_t len)
{
    for (int class = 0; class < RF_CLASSES; class ++) {
        if (len > rf_layout_class_size[class])
            continue;
        bool cold;
        uint32_t index = rf_pool_take(&c->blocks[class], &cold);
        if (index == RF_NONE)
            continue; /* a larger block serves as well */
        if (class >= LARGE_CLASS && !cold)
            atomic_fetch_sub_explicit(&c->h->hot_bytes, rf_layout_class_size[class], memory_order_relaxed);
        return c->at.blocks[class] + (uint64_t)index * rf_layout_class_size[class];
    }
    return 0;
}

static bool locate(const struct rf_channel *c, uint64_t offset, int *class, uint32_t *index)
{
    if (offset < c->at.memory || offset >= c->at.memory_end)
        return false;
    int k = RF_CLASSES - 1;
    while (offset < c->at.blocks[k])
        k--;
    uint64_t within = offset - c->at.blocks[k];
    *class = k;
    *index = (uint32_t)(within / rf_layout_class_size[k]);
    return within % rf_layout_class_size[k] == 0;
}

bool rf_block_valid(const struct rf_channel *c, uint64_t offset, uint64_t len)
{
    int class;
    uint32_t index;
    return locate(c, offset, &class, &index) && len <= rf_layout_class_size[class] &&
           rf_pool_used(&c->blocks[class], index);
}

bool rf_block_give(const struct rf_channel *c, uint64_t offset)
{
    int class;
    uint32_t index;
    if (!locate(c, offset, &class, &index))
        return false;
    if (class < LARGE_CLASS)
        return rf_pool_give(&c->blocks[class], index, false);
    if (!rf_pool_claim(&c->blocks[class], index))
        return false;
    uint64_t size = rf_layout_class_size[class];
    bool cold = atomic_fetch_add_explicit(&c->h->hot_bytes, size, memory_order_relaxed) + size > HOT_LIMIT;
    if (cold) {
        atomic_fetch_sub_explicit(&c->h->hot_bytes, size, memory_order_relaxed);
        cold = madvise(c->base + offset, size, c->shared ? MADV_REMOVE : MADV_DONTNEED) == 0;
    }
    rf_pool_give_claimed(&c->blocks[class], index, cold);
    return true;
}
