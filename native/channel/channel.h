/*
 * One side's view of the shared range of a queue: payload memory, frames to the runtime, frames to the host, and how
 * the two wake each other. Made by an instance or by a child, used by either end; the queue and the loop look into it.
 */
#ifndef RF_CHANNEL_H
#define RF_CHANNEL_H

#include "layout.h"
#include "memory.h"
#include "pool.h"
#include "resty_ffi.h"

struct rf_channel {
    struct rf_layout at; /* computed here, never read from the range */
    char *base;
    struct rf_header *h;
    rf_cell *ring;
    struct rf_slot *slot;
    struct rf_pool slots, blocks[RF_CLASSES];
    bool shared;        /* the range is mapped by two processes */
    _Atomic bool level; /* the runtime waits level-triggered on to_runtime; any of its threads may say so */
    int to_runtime;     /* eventfd that wakes the runtime */
    int to_host;        /* eventfd that wakes the host */
    uint32_t tail;      /* host only: next ring cell to fill */
    uint32_t *order;    /* host only: slots of one drain, oldest last; owned by the channel */
    uint32_t order_size;
};

/*
 * Host: makes the range and the eventfds. shared receives what a child needs to map the range; NULL = private memory.
 * Returns NULL, or error (size bytes) with the reason. rf_channel_close frees everything but the memfd.
 */
const char *rf_channel_create(struct rf_channel *c, uint32_t max_queue, struct rf_shared *shared, char *error,
                              size_t size);
/* Child: maps the range. The channel takes over the descriptors. */
const char *rf_channel_attach(struct rf_channel *c, uint32_t max_queue, const struct rf_shared *shared, int to_runtime,
                              int to_host, char *error, size_t size);
/*
 * Unmaps and closes. keep_range: threads may still read payloads, so the addresses stay and only the memory goes back.
 */
void rf_channel_close(struct rf_channel *c, bool keep_range);

#endif
