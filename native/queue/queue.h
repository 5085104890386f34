/* A runtime's end of its queue: what resty_ffi.h calls resty_ffi_queue. For its owner, an instance or a child. */
#ifndef RF_QUEUE_H
#define RF_QUEUE_H

#include "../channel/channel.h"

#define RF_QUEUE_ENDED 0x80000000u

struct rf_abi1;

/*
 * What differs between the two ends: how the owner hears of the life of the runtime. Called on the runtime's threads.
 */
struct rf_queue_owner {
    void (*fail)(void *arg, const char *text, size_t len);
    void (*ready)(void *arg);
    void (*closed)(void *arg);
};

struct resty_ffi_queue {
    struct rf_channel ch;
    const struct rf_queue_owner *owner;
    void *owner_arg;
    /*
     * The number of threads inside a function of version 1 or inside libffi_init; plus RF_QUEUE_ENDED once the runtime
     * has called resty_ffi_close or the host has found that the runtime has left. One word, so that one of the two
     * comes first.
     */
    _Atomic uint32_t inside;
    _Atomic bool served;            /* a thread of version 2 has polled: the runtime will call resty_ffi_close */
    _Atomic(struct rf_abi1 *) abi1; /* owned by the queue; NULL until a version-1 function is used */
};

static inline bool rf_queue_ended(const resty_ffi_queue *q)
{
    return (atomic_load_explicit(&q->inside, memory_order_acquire) & RF_QUEUE_ENDED) != 0;
}

/* A line for the host's log, from any thread of the runtime's side. */
__attribute__((format(printf, 3, 4))) void rf_queue_log(resty_ffi_queue *q, int level, const char *format, ...);

/*
 * Version 1 has no resty_ffi_close, so its functions count themselves in and out, and the host ends the queue when no
 * thread is inside. Either an entering thread sees the end, or the host sees the thread.
 */
bool rf_queue_enter(resty_ffi_queue *q);
void rf_queue_leave(resty_ffi_queue *q);
/* Host: ends the queue if no thread is inside. True: the queue has ended, and no thread is or will be inside. */
bool rf_queue_left(resty_ffi_queue *q);

#endif
