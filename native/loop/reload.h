/* Reloads that are under way. For files of this folder. */
#ifndef RF_RELOAD_H
#define RF_RELOAD_H

#include "loop.h"

struct rf_instance;

/* What the news of an incoming instance mean. */
void rf_reload_news(resty_ffi_runtime *rt, struct rf_instance *i, uint32_t news, const char *text);
/* Drops the incoming ones. */
void rf_reload_fail(resty_ffi_runtime *rt, const char *text);

#endif
