/* Frames from the host to the runtime: a bounded ring, one producer, any number of consumers. */
#include "requests.h"

#include <errno.h>
#include <unistd.h>

#include "channel.h"
#include "futex.h"

/*
 * doze, in one word so that all of it changes at once: the low half counts wake-ups and is the futex word; the high
 * half is the number of threads that sleep on it or are about to, with ARMED on top if the descriptor is to be written.
 */
#define ARMED ((uint64_t)1 << 63)
#define SLEEPER ((uint64_t)1 << 32)
#define WAKES (SLEEPER - 1)
#define SLEEPERS (ARMED - SLEEPER)

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the futex word is the second half on this machine"
#endif

static _Atomic uint32_t *futex_word(struct rf_channel *c)
{
    return (_Atomic uint32_t *)&c->h->doze;
}

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
 *
 * A counted thread that finds a frame after all must not take another thread's place out of doze: that thread would
 * sleep uncounted. So it leaves only if no thread was woken since it came, which the low half shows. Otherwise the
 * number stays too high and costs wake-ups without a sleeper, until the first of those corrects it.
 */
void rf_requests_wake_one(struct rf_channel *c)
{
    uint64_t want, doze = atomic_fetch_add_explicit(&c->h->doze, 0, memory_order_acq_rel);
    do {
        if (!(doze & ~WAKES))
            return;
        want = doze & ~ARMED;
        if (doze & SLEEPERS)
            want = ((want - SLEEPER) & ~WAKES) | (uint32_t)(doze + 1);
    } while (
        !atomic_compare_exchange_weak_explicit(&c->h->doze, &doze, want, memory_order_acq_rel, memory_order_acquire));
    if (doze & ARMED) {
        /*
         * Write first, then mark: in the other order the runtime could clear the mark before the write, and the
         * descriptor would stay readable for ever.
         */
        write_eventfd(c->to_runtime);
        atomic_store_explicit(&c->h->signalled, 1, memory_order_release);
    }
    /* Wake sleepers as well: the thread that armed the descriptor may have found a frame and be busy with it. */
    if (doze & SLEEPERS && rf_futex_wake(futex_word(c), 1, c->shared) == 0) {
        /* The threads still counted have an old ticket and do not fall asleep; a later one has changed doze. */
        atomic_compare_exchange_strong_explicit(&c->h->doze, &want, want & (ARMED | WAKES), memory_order_acq_rel,
                                                memory_order_relaxed);
    }
}

bool rf_requests_send(struct rf_channel *c, const struct rf_slot *frame)
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
    rf_requests_wake_one(c);
    return true;
}

int rf_requests_take(const struct rf_channel *c, struct rf_slot *out, int max)
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

/*
 * A stale head can only make this true without need, never false: what was sent before the caller's rf_requests_arm is
 * seen.
 */
bool rf_requests_waiting(const struct rf_channel *c)
{
    uint32_t position = atomic_load_explicit(&c->h->head, memory_order_relaxed);
    uint64_t value = atomic_load_explicit(&c->ring[position & (c->at.cells - 1)], memory_order_relaxed);
    return (int32_t)((uint32_t)(value >> 32) - (position + 1)) >= 0;
}

uint32_t rf_requests_doze(struct rf_channel *c)
{
    return (uint32_t)atomic_fetch_add_explicit(&c->h->doze, SLEEPER, memory_order_acq_rel);
}

int rf_requests_sleep(struct rf_channel *c, uint32_t ticket, int timeout_ms)
{
    return rf_futex_wait(futex_word(c), ticket, timeout_ms, c->shared);
}

void rf_requests_doze_end(struct rf_channel *c, uint32_t ticket)
{
    uint64_t doze = atomic_load_explicit(&c->h->doze, memory_order_relaxed);
    while (doze & SLEEPERS && (uint32_t)doze == ticket &&
           !atomic_compare_exchange_weak_explicit(&c->h->doze, &doze, doze - SLEEPER, memory_order_acq_rel,
                                                  memory_order_relaxed))
        ;
}

void rf_requests_arm(struct rf_channel *c)
{
    if (atomic_load_explicit(&c->level, memory_order_relaxed) &&
        atomic_exchange_explicit(&c->h->signalled, 0, memory_order_acq_rel)) {
        uint64_t count;
        (void)!read(c->to_runtime, &count, sizeof count);
    }
    atomic_fetch_or_explicit(&c->h->doze, ARMED, memory_order_acq_rel);
}

void rf_requests_wake_all(struct rf_channel *c)
{
    uint64_t doze = atomic_load_explicit(&c->h->doze, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&c->h->doze, &doze, (uint32_t)(doze + 1), memory_order_acq_rel,
                                                  memory_order_relaxed))
        ;
    rf_futex_wake(futex_word(c), 0x7fffffff, c->shared);
    rf_futex_wake(&c->h->closed, 0x7fffffff, c->shared); /* resty_ffi_child_left */
    write_eventfd(c->to_runtime);
    atomic_store_explicit(&c->h->signalled, 1, memory_order_release);
}
