/* Reloads that are under way. For the loop's tick, and for an unload. */
#ifndef RF_RELOAD_H
#define RF_RELOAD_H

#include "host.h"

/* Drops the new code, if there is some. */
void rf_reload_fail(resty_ffi_runtime *rt, const char *text);
/* The same if it has not started within load_timeout. */
void rf_reload_patience(resty_ffi_runtime *rt, uint64_t now);

#endif
