/* What comes from a runtime. For files that make instances, and for the end of a loop. */
#ifndef RF_DISPATCH_H
#define RF_DISPATCH_H

#include <stdint.h>

struct rf_instance;

/* Takes everything that has come, when an instance's descriptor is readable. */
void rf_dispatch_ready(void *instance);
/* Waits for news of these instances, up to timeout_ms. */
void rf_dispatch_wait(struct rf_instance **list, uint32_t count, int timeout_ms);
/* At the end of the loop: writes the log lines and drops the answers, so that no thread waits for slots. */
void rf_dispatch_rest(struct rf_instance *i);

#endif
