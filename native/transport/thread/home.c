#include "home.h"

#include <stdlib.h>

#include "../../channel/futex.h"
#include "../../channel/lock.h"
#include "destructors.h"

struct home {
    struct home *next;
    void *library;
    struct rf_instance *running; /* whose libffi_init runs; referenced by the thread that runs it */
    struct rf_instance *waiting; /* the next instances, linked by next_turn; the loader thread of each sleeps */
    uint32_t threads;            /* how many threads have been the library's; the last one still is */
    _Atomic uint32_t bell;       /* rises when any of this changes; all wait for it */
};

static rf_lock lock;       /* over all of this; it is never held while code of a library runs */
static struct home *homes; /* never freed: libraries stay, and so do their threads */

static void ring_bell(struct home *h)
{
    atomic_fetch_add(&h->bell, 1);
    rf_futex_wake(&h->bell, INT32_MAX, 0);
}

static void wait_for_bell(struct home *h)
{
    uint32_t seen = atomic_load(&h->bell);
    rf_lock_release(&lock);
    rf_futex_wait(&h->bell, seen, -1, 0);
    rf_lock_acquire(&lock);
}

/* The pointer to i, or to the end of the list. */
static struct rf_instance **place(struct home *h, const struct rf_instance *i)
{
    struct rf_instance **p = &h->waiting;
    while (*p && *p != i)
        p = &(*p)->next_turn;
    return p;
}

static bool is_closed(const struct rf_instance *i)
{
    return atomic_load_explicit(&i->q.ch.h->closed, memory_order_acquire) != 0;
}

static void leave(struct rf_instance *i)
{
    rf_queue_leave(&i->q);
    rf_instance_unref(i);
}

/* The library has run nothing for this instance. */
static void pass(struct rf_instance *i)
{
    resty_ffi_close(&i->q);
    leave(i);
}

/* The life of a library's thread. Returns, holding the lock, when another thread has taken its place. */
static void stay(struct home *h)
{
    uint32_t me = ++h->threads;
    h->running = NULL;
    while (h->threads == me) {
        struct rf_instance *i = h->waiting;
        if (!i) {
            wait_for_bell(h);
            continue;
        }
        h->running = i;
        h->waiting = i->next_turn;
        ring_bell(h);
        rf_lock_release(&lock);
        int rc = i->init(i->cfg, &i->q);
        rf_lock_acquire(&lock);
        if (h->threads == me)
            h->running = NULL; /* before the loop hears of it, which may close i at once */
        rf_lock_release(&lock);
        i->initialised(i, rc);
        leave(i);
        rf_lock_acquire(&lock);
    }
}

static struct home *home_of(void *library)
{
    struct home *h = homes;
    while (h && h->library != library)
        h = h->next;
    if (!h && (h = calloc(1, sizeof *h))) {
        h->library = library;
        h->next = homes;
        homes = h;
        rf_destructors_skip(library);
    }
    return h;
}

static bool has_thread(const struct home *h)
{
    return h->threads && !(h->running && is_closed(h->running));
}

bool rf_home_run(struct rf_instance *i)
{
    rf_lock_acquire(&lock);
    struct home *h = home_of(i->library);
    /* Closed while the library was opened: rf_home_give_up has not found the instance here. */
    bool too_late = h && is_closed(i);
    if (h && !too_late) {
        i->next_turn = NULL;
        *place(h, i) = i;
        ring_bell(h);
        while (*place(h, i) && has_thread(h))
            wait_for_bell(h);
        if (*place(h, i))
            stay(h);
    }
    rf_lock_release(&lock);
    if (too_late)
        pass(i);
    return h != NULL;
}

void rf_home_give_up(struct rf_instance *i)
{
    bool waited = false;
    rf_lock_acquire(&lock);
    for (struct home *h = homes; h; h = h->next) {
        struct rf_instance **p = place(h, i);
        if (*p) {
            waited = true;
            *p = i->next_turn;
        }
        if (waited || h->running == i)
            ring_bell(h);
    }
    rf_lock_release(&lock);
    if (waited)
        pass(i);
}
