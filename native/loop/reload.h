/* Reloads that are under way. For the loop's tick, and for an unload. */
#ifndef RF_RELOAD_H
#define RF_RELOAD_H

#include "host.h"

/* Drops the new code of a reload under way. */
void rf_reload_fail(resty_ffi_runtime *rt, const char *text);
/* Does so if the new code has not started within load_timeout. */
void rf_reload_patience(resty_ffi_runtime *rt, uint64_t now);

#endif
