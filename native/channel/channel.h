/*
 * One side's view of the shared range of a queue: payload memory, frames to the runtime, frames to the host, and how
 * the two wake each other. Knows no call, no transport.
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

/* Host: makes range and eventfds. shared: receives what a child needs to map it, NULL = private memory. Returns NULL,
   or error (size bytes) with the reason. Everything made is freed by rf_channel_close, but for the memfd. */
const char *rf_channel_create(struct rf_channel *c, uint32_t max_queue, struct rf_shared *shared, char *error,
                              size_t size);
/* Child: maps the range. The descriptors become the channel's. */
const char *rf_channel_attach(struct rf_channel *c, uint32_t max_queue, const struct rf_shared *shared, int to_runtime,
                              int to_host, char *error, size_t size);
/* Unmaps and closes. keep_range: threads may still look at payloads; leave the addresses, give back the memory. */
void rf_channel_close(struct rf_channel *c, bool keep_range);

/* Payload memory, any thread. Offsets of blocks; 0 = none left or too large. */
uint64_t rf_block_take(const struct rf_channel *c, uint64_t len);
bool rf_block_give(const struct rf_channel *c, uint64_t offset);
/* Whether [offset, offset+len) lies in one block and starts it. */
bool rf_block_valid(const struct rf_channel *c, uint64_t offset, uint64_t len);

/* Host → runtime, one frame; the host's thread only. data is an offset. False = full. */
bool rf_send_request(struct rf_channel *c, const struct rf_slot *frame);
/* Runtime: up to max frames, does not wait. Any thread. */
int rf_take_requests(const struct rf_channel *c, struct rf_slot *out, int max);
/* Runtime: whether there is one to take. */
bool rf_request_waits(const struct rf_channel *c);
/* Runtime: announces that it will sleep on the futex; look again, then sleep or give up. Returns the ticket for both.
 */
uint32_t rf_doze(struct rf_channel *c);
/* 0, or ETIMEDOUT. */
int rf_sleep(struct rf_channel *c, uint32_t ticket, int timeout_ms);
/* Gives up: for one that did not sleep, or that nobody woke. */
void rf_doze_end(struct rf_channel *c, uint32_t ticket);
/* Runtime: announces that it will wait for the descriptor; look again, then wait. */
void rf_arm(struct rf_channel *c);
/* Wakes one that sleeps, and those that wait for the descriptor. */
void rf_wake_one(struct rf_channel *c);
/* Wakes everybody, for good (after h->closed is set). */
void rf_wake_all(struct rf_channel *c);

/* Runtime → host, n slots in order (data are offsets). False = no slot free within wait_ms. Any thread. */
bool rf_send_replies(const struct rf_channel *c, const struct rf_slot *frames, int n, int wait_ms);
/* Host: copies out the oldest reply; rf_drain_begin fetches what has come. -1 = the list is damaged. */
int rf_drain_begin(struct rf_channel *c);
void rf_drain_take(struct rf_channel *c, int index, struct rf_slot *out);
void rf_ring_host(const struct rf_channel *c);

#endif
