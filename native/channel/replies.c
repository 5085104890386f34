/*
 * Frames from the runtime to the host: a list that any thread pushes to and that the host takes whole. A thread that
 * finds the list empty writes the eventfd, so replies that arrive before an awake host looks share one wake-up.
 */
#include "replies.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "block.h"
#include "channel.h"

void rf_replies_ring(const struct rf_channel *c)
{
    uint64_t one = 1;
    while (write(c->to_host, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void push(const struct rf_channel *c, uint32_t newest, uint32_t oldest)
{
    uint32_t head = atomic_load_explicit(&c->h->replies, memory_order_relaxed);
    do
        c->slot[oldest].next = head;
    /* Release: the host sees slots and payloads of all it takes. */
    while (!atomic_compare_exchange_weak_explicit(&c->h->replies, &head, newest, memory_order_acq_rel,
                                                  memory_order_relaxed));
    if (head == RF_NONE)
        rf_replies_ring(c);
}

bool rf_replies_send(const struct rf_channel *c, const struct rf_slot *frames, int n, int wait_ms)
{
    uint32_t newest = RF_NONE, oldest = RF_NONE;
    bool sent = true;
    for (int i = 0; i < n; i++) {
        bool cold;
        uint32_t index;
        /* There are slots for twice the calls that can wait, so only floods of logs or messages get here. */
        while ((index = rf_pool_take(&c->slots, &cold)) == RF_NONE && wait_ms-- > 0) {
            if (newest != RF_NONE)
                push(c, newest, oldest);
            newest = oldest = RF_NONE;
            nanosleep(&(struct timespec){0, 1000000}, NULL);
        }
        if (index == RF_NONE) {
            for (; i < n; i++)
                rf_block_give(c, frames[i].data);
            sent = false;
            break;
        }
        c->slot[index] = frames[i];
        c->slot[index].next = newest;
        newest = index;
        if (oldest == RF_NONE)
            oldest = index;
    }
    if (newest != RF_NONE)
        push(c, newest, oldest);
    return sent;
}

int rf_replies_begin(struct rf_channel *c)
{
    uint32_t index = atomic_load_explicit(&c->h->replies, memory_order_relaxed);
    if (index == RF_NONE)
        return 0;
    index = atomic_exchange_explicit(&c->h->replies, RF_NONE, memory_order_acquire);
    uint32_t n = 0;
    while (index != RF_NONE) {
        /* More links than slots mean a loop: the child has overwritten them. */
        if (index >= c->at.slots || n >= c->at.slots)
            return -1;
        if (n == c->order_size) {
            uint32_t size = c->order_size ? 2 * c->order_size : 256;
            uint32_t *order = realloc(c->order, size * sizeof *order);
            if (!order)
                return -1;
            c->order = order;
            c->order_size = size;
        }
        c->order[n++] = index;
        index = c->slot[index].next;
    }
    return (int)n;
}

void rf_replies_take(struct rf_channel *c, int index, struct rf_slot *out)
{
    uint32_t slot = c->order[index];
    *out = c->slot[slot];
    rf_pool_give(&c->slots, slot, false);
}
