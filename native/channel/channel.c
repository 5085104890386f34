#include "channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failed.h"

static void view(struct rf_channel *c)
{
    c->h = (struct rf_header *)c->base;
    c->ring = (rf_cell *)(c->base + c->at.ring);
    c->slot = (struct rf_slot *)(c->base + c->at.slot);
    c->slots = (struct rf_pool){&c->h->slots, (_Atomic uint32_t *)(c->base + c->at.slot_links), c->at.slots};
    for (int k = 0; k < RF_CLASSES; k++)
        c->blocks[k] = (struct rf_pool){&c->h->blocks[k], (_Atomic uint32_t *)(c->base + c->at.block_links[k]),
                                        rf_layout_class_count[k]};
}

const char *rf_channel_create(struct rf_channel *c, uint32_t max_queue, struct rf_shared *shared, char *error,
                              size_t size)
{
    memset(c, 0, sizeof *c);
    c->to_runtime = c->to_host = -1;
    rf_layout_make(&c->at, max_queue);
    c->base = rf_memory_make(c->at.size, shared, error, size);
    if (!c->base)
        return error;
    c->shared = shared != NULL;
    view(c);
    rf_layout_init(&c->at, c->h);
    c->to_runtime = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    c->to_host = c->to_runtime < 0 ? -1 : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (c->to_host >= 0)
        return NULL;
    rf_failed(error, size, "eventfd", errno);
    if (shared && shared->memfd >= 0)
        close(shared->memfd);
    rf_channel_close(c, false);
    return error;
}

const char *rf_channel_attach(struct rf_channel *c, uint32_t max_queue, const struct rf_shared *shared, int to_runtime,
                              int to_host, char *error, size_t size)
{
    memset(c, 0, sizeof *c);
    c->to_runtime = to_runtime;
    c->to_host = to_host;
    if (max_queue < 1 || max_queue > RF_MAX_QUEUE) {
        snprintf(error, size, "the size of the queue is out of range");
        return error;
    }
    rf_layout_make(&c->at, max_queue);
    c->base = rf_memory_attach(c->at.size, shared, error, size);
    if (!c->base)
        return error;
    c->shared = true;
    view(c);
    if (c->h->magic == RF_MAGIC && c->h->abi == RESTY_FFI_ABI && c->h->max_queue == max_queue)
        return NULL;
    snprintf(error, size, "the shared memory is of another version of libresty_ffi.so");
    return error;
}

void rf_channel_close(struct rf_channel *c, bool keep_range)
{
    if (c->base && keep_range)
        madvise(c->base + c->at.memory, c->at.memory_end - c->at.memory, c->shared ? MADV_REMOVE : MADV_DONTNEED);
    else if (c->base)
        munmap(c->base, c->at.size);
    if (keep_range)
        return;
    if (c->to_runtime >= 0)
        close(c->to_runtime);
    if (c->to_host >= 0)
        close(c->to_host);
    free(c->order);
    memset(c, 0, sizeof *c);
    c->to_runtime = c->to_host = -1;
}
