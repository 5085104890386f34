#include "layout.h"

#include "resty_ffi.h"

/*
 * Size classes times 4: at worst three quarters of a block stay unused, but untouched pages cost nothing, and fewer
 * classes mean hotter blocks. The sum stays below 4 GB, the largest range that every version of Node can view.
 */
const uint32_t rf_layout_class_size[RF_CLASSES] = {256,     1024,    4096,     16384,     65536,
                                                   1 << 18, 1 << 20, 4u << 20, 16u << 20, (128u << 20) + 4096};
const uint32_t rf_layout_class_count[RF_CLASSES] = {65536, 65536, 16384, 8192, 4096, 1024, 256, 64, 32, 8};

static uint64_t page(uint64_t n)
{
    return (n + 4095) & ~(uint64_t)4095;
}

void rf_layout_make(struct rf_layout *l, uint32_t max_queue)
{
    uint64_t at = 4096;
    l->max_queue = max_queue;
    for (l->cells = 2; l->cells < max_queue + RF_CONTROL_ROOM; l->cells <<= 1)
        ;
    l->slots = 2 * l->cells + 1024; /* as many replies as requests, and some for logs */
    l->ring = at;
    at = page(at + sizeof(rf_cell) * l->cells);
    l->slot = at;
    at = page(at + sizeof(struct rf_slot) * l->slots);
    l->slot_links = at;
    at = page(at + sizeof(uint32_t) * l->slots);
    l->method_names = at;
    at = page(at + (uint64_t)RF_MAX_METHODS * RF_METHOD_BYTES);
    for (int c = 0; c < RF_CLASSES; c++) {
        l->block_links[c] = at;
        at = page(at + sizeof(uint32_t) * rf_layout_class_count[c]);
    }
    l->memory = at;
    for (int c = 0; c < RF_CLASSES; c++) {
        l->blocks[c] = at;
        at += (uint64_t)rf_layout_class_size[c] * rf_layout_class_count[c];
    }
    l->memory_end = l->size = at;
}

void rf_layout_init(const struct rf_layout *l, struct rf_header *h)
{
    rf_cell *ring = (rf_cell *)((char *)h + l->ring);
    h->magic = RF_MAGIC;
    h->abi = RESTY_FFI_ABI;
    h->max_queue = l->max_queue;
    for (uint32_t i = 0; i < l->cells; i++)
        atomic_init(&ring[i], (uint64_t)i << 32);
    atomic_init(&h->replies, RF_NONE);
    atomic_init(&h->slots.top, RF_NONE);
    for (int c = 0; c < RF_CLASSES; c++)
        atomic_init(&h->blocks[c].top, RF_NONE);
}
