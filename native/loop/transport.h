/* How instances are started and ended: what a transport offers to the loop. */
#ifndef RF_TRANSPORT_H
#define RF_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

struct rf_instance;
struct rf_supervisor;

struct rf_transport {
    /* Begins to start; news follow. NULL or an error text, which may be in the loop's why. */
    const char *(*start)(struct rf_instance *i, uint32_t delay_ms);
    /* The queue is marked closed; see to it that the runtime ends. */
    void (*end)(struct rf_instance *i);
};

extern const struct rf_transport rf_thread_transport, rf_process_transport;
/* Whether libffi_init of this instance's library may be called again for new code. Of an instance that is ready. */
bool rf_thread_reloads(const struct rf_instance *i);

/* transport/process/supervisor.c */
void rf_supervisor_stop(struct rf_supervisor *s, int timeout_ms);

#endif
