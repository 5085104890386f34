/* The instances that serve a runtime. For load.c, reload.c and unload.c. */
#ifndef RF_WORKERS_H
#define RF_WORKERS_H

#include "host.h"

struct rf_instance;

/* Starts rt->worker_count of them. NULL, or an error text. */
const char *rf_workers_start(resty_ffi_runtime *rt);
/* The place of an instance; worker_count = it is not among the workers. */
uint32_t rf_workers_number(const resty_ffi_runtime *rt, const struct rf_instance *i);
/* Puts these in the place of the workers, which finish their calls. The runtime takes over the list. */
void rf_workers_replace(resty_ffi_runtime *rt, struct rf_instance **list, uint32_t count);
/* The instance takes no new calls; it ends after those in flight, or after drain_timeout. */
void rf_workers_drain(struct rf_instance *i);

#endif
