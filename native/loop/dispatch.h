/* What comes from a runtime. For those who have instances made, and for the end of a loop. */
#ifndef RF_DISPATCH_H
#define RF_DISPATCH_H

#include <stdint.h>

struct rf_instance;

/* An instance's descriptor is readable: takes all that has come. */
void rf_dispatch_ready(void *instance);
/* Waits for news of these instances, up to timeout_ms. */
void rf_dispatch_wait(struct rf_instance **list, uint32_t count, int timeout_ms);
/* At the end of the loop: logs what there is to be logged and drops the answers, so that nobody waits for slots. */
void rf_dispatch_rest(struct rf_instance *i);

#endif
