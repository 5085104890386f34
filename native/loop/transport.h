/*
 * What a transport offers to the loop. Transports implement it, a host lists its transports, files of this folder call
 * them.
 */
#ifndef RF_TRANSPORT_H
#define RF_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "host.h"

struct rf_instance;

struct rf_transport {
    /* Begins a start; news follow. NULL, or an error text, which may lie in the loop's why. */
    const char *(*start)(struct rf_instance *i, uint32_t delay_ms);
    /* The queue is marked closed: makes sure that the runtime ends. */
    void (*end)(struct rf_instance *i);
    /* Whether new code can start beside this ready instance in the same place. NULL = never. */
    bool (*reloads)(const struct rf_instance *i);
    /* The loop is closed: ends what is left within timeout_ms. NULL = nothing is left. */
    void (*stop)(resty_ffi_loop *l, int timeout_ms);
    bool shares_memory; /* another process maps the queue's range and reads its configuration from it */
    bool restarts;      /* a runtime that has ended can be started again */
    bool awaits_end;    /* it waits for the end of its runtimes itself, and logs what they did not finish */
};

/* The transports of a host. */
struct rf_transports {
    const struct rf_transport *thread, *process;
};

#endif
