/*
 * What a transport offers to the loop. Transports implement it, a host names those that it has, and files of this
 * folder call it.
 */
#ifndef RF_TRANSPORT_H
#define RF_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "host.h"

struct rf_instance;

struct rf_transport {
    /* Begins to start; news follow. NULL or an error text, which may be in the loop's why. */
    const char *(*start)(struct rf_instance *i, uint32_t delay_ms);
    /* The queue is marked closed; see to it that the runtime ends. */
    void (*end)(struct rf_instance *i);
    /* Whether new code can start beside an instance that is ready, in the same place. NULL = it never can. */
    bool (*reloads)(const struct rf_instance *i);
    /* The loop is closed: ends within timeout_ms what is left. NULL = nothing is. */
    void (*stop)(resty_ffi_loop *l, int timeout_ms);
    bool shares_memory; /* another process maps the queue's range, and reads its configuration there */
    bool restarts;      /* a runtime that has ended can be started again */
    bool awaits_end;    /* it waits for the end of its runtimes itself, and logs what they did not finish */
};

/* The transports of a host. */
struct rf_transports {
    const struct rf_transport *thread, *process;
};

#endif
