/* The options of a load. For files of this folder. */
#ifndef RF_OPTIONS_H
#define RF_OPTIONS_H

#include "host.h"

/* A copy with its strings in the same allocation. NULL = no memory. */
resty_ffi_options *rf_options_copy(const resty_ffi_options *o);
/* Fills in the defaults and turns flags into 0 and 1, as in the options of a runtime. */
void rf_options_complete(resty_ffi_options *o);
/* Whether a given option differs from the runtime's; text names the first that does. */
bool rf_options_differ(const resty_ffi_options *have, const resty_ffi_options *given, char *text, size_t size);
/* The size in bytes of a list such as name\0name\0…\0, including its last NUL. */
size_t rf_options_list_size(const char *list);

#endif
