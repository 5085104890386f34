/* Frames from the host to the runtime: a bounded ring, one producer, any number of consumers. */
#include <errno.h>
#include <unistd.h>

#include "channel.h"
#include "lock.h"

/* doze: the number of threads that sleep (or are about to) on the futex; ARMED if the descriptor is to be written. */
#define ARMED 0x80000000u

static void write_eventfd(int fd)
{
    uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/*
 * Sleeping and waking. The sleeper changes doze and then looks at the ring once more; the sender fills the ring and
 * then looks at doze. Both accesses of doze are read-modify-writes, so one comes first: if the sleeper's does, the
 * sender sees it and wakes; if the sender's does, the sleeper synchronizes with it (acquire, release) and sees the
 * frame. A waker takes the sleeper it wakes out of doze, so that a burst of frames costs one wake-up.
 */
static void wake_one(struct rf_channel *c)
{
    uint32_t doze = atomic_fetch_add_explicit(&c->h->doze, 0, memory_order_acq_rel);
    while (doze) {
        uint32_t want = doze & ARMED ? doze & ~ARMED : doze - 1;
        if (!atomic_compare_exchange_weak_explicit(&c->h->doze, &doze, want, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        if (doze & ARMED) {
            /* Written first, marked then: the other way round the runtime could take the mark before the write and
               leave the descriptor readable for ever. */
            write_eventfd(c->to_runtime);
            atomic_store_explicit(&c->h->signalled, 1, memory_order_release);
        } else {
            atomic_fetch_add_explicit(&c->h->wakes, 1, memory_order_release);
            rf_futex_wake(&c->h->wakes, 1, c->shared);
        }
        return;
    }
}

bool rf_send_request(struct rf_channel *c, const struct rf_slot *frame)
{
    uint32_t position = c->tail;
    rf_cell *cell = &c->ring[position & (c->at.cells - 1)];
    /* Acquire: the consumer has read the cell before it marked it free. */
    if ((uint32_t)(atomic_load_explicit(cell, memory_order_acquire) >> 32) != position)
        return false;
    bool cold;
    uint32_t index = rf_pool_take(&c->slots, &cold);
    if (index == RF_NONE)
        return false;
    c->slot[index] = *frame;
    /* Release: whoever sees the cell sees the slot and the payload. */
    atomic_store_explicit(cell, (uint64_t)(position + 1) << 32 | index, memory_order_release);
    c->tail = position + 1;
    wake_one(c);
    return true;
}

int rf_take_requests(const struct rf_channel *c, struct rf_slot *out, int max)
{
    int n = 0;
    uint32_t position = atomic_load_explicit(&c->h->head, memory_order_relaxed);
    while (n < max) {
        rf_cell *cell = &c->ring[position & (c->at.cells - 1)];
        uint64_t value = atomic_load_explicit(cell, memory_order_acquire);
        int32_t ahead = (int32_t)((uint32_t)(value >> 32) - (position + 1));
        if (ahead < 0)
            break;
        if (ahead > 0) { /* another thread took it */
            position = atomic_load_explicit(&c->h->head, memory_order_relaxed);
            continue;
        }
        if (!atomic_compare_exchange_weak_explicit(&c->h->head, &position, position + 1, memory_order_relaxed,
                                                   memory_order_relaxed))
            continue;
        uint32_t index = (uint32_t)value;
        out[n++] = c->slot[index];
        rf_pool_give(&c->slots, index, false);
        /* Release: the cell may be filled again only after it was read. */
        atomic_store_explicit(cell, (uint64_t)(position + c->at.cells) << 32, memory_order_release);
        position++;
    }
    return n;
}

void rf_doze(struct rf_channel *c, uint32_t *ticket)
{
    atomic_fetch_add_explicit(&c->h->doze, 1, memory_order_acq_rel);
    *ticket = atomic_load_explicit(&c->h->wakes, memory_order_acquire);
}

int rf_sleep(struct rf_channel *c, uint32_t ticket, int timeout_ms)
{
    return rf_futex_wait(&c->h->wakes, ticket, timeout_ms, c->shared);
}

/* For a sleeper that was not woken. If a waker has taken it out of doze already there is nothing left to undo. */
void rf_doze_end(struct rf_channel *c)
{
    uint32_t doze = atomic_load_explicit(&c->h->doze, memory_order_relaxed);
    while ((doze & ~ARMED) && !atomic_compare_exchange_weak_explicit(&c->h->doze, &doze, doze - 1, memory_order_acq_rel,
                                                                     memory_order_relaxed))
        ;
}

void rf_arm(struct rf_channel *c)
{
    if (c->level && atomic_exchange_explicit(&c->h->signalled, 0, memory_order_acq_rel)) {
        uint64_t count;
        (void)!read(c->to_runtime, &count, sizeof count);
    }
    atomic_fetch_or_explicit(&c->h->doze, ARMED, memory_order_acq_rel);
}

void rf_disarm(struct rf_channel *c)
{
    atomic_fetch_and_explicit(&c->h->doze, ~ARMED, memory_order_acq_rel);
}

void rf_wake_all(struct rf_channel *c)
{
    atomic_exchange_explicit(&c->h->doze, 0, memory_order_acq_rel);
    atomic_fetch_add_explicit(&c->h->wakes, 1, memory_order_release);
    rf_futex_wake(&c->h->wakes, 0x7fffffff, c->shared);
    rf_futex_wake(&c->h->closed, 0x7fffffff, c->shared); /* resty_ffi_child_left */
    write_eventfd(c->to_runtime);
    atomic_store_explicit(&c->h->signalled, 1, memory_order_release);
}
