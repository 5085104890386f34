/* The instances that serve a runtime. For those who load, reload and unload it. */
#ifndef RF_WORKERS_H
#define RF_WORKERS_H

#include "host.h"

struct rf_instance;

/* Starts rt->worker_count of them. NULL, or an error text. */
const char *rf_workers_start(resty_ffi_runtime *rt);
/* The place of one; worker_count = it is not, or no longer, among them. */
uint32_t rf_workers_number(const resty_ffi_runtime *rt, const struct rf_instance *i);
/* These take their places; the old finish their calls. The list becomes the runtime's. */
void rf_workers_replace(resty_ffi_runtime *rt, struct rf_instance **list, uint32_t count);
/* One takes no new calls; it ends when those in flight are done, or at the latest after a time. */
void rf_workers_drain(struct rf_instance *i);

#endif
