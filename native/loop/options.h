/* The options of a load. For files of this folder. */
#ifndef RF_OPTIONS_H
#define RF_OPTIONS_H

#include "host.h"

/* A copy, with its strings in the same piece of memory. NULL = none left. */
resty_ffi_options *rf_options_copy(const resty_ffi_options *o);
/* From what is given to what holds: defaults are filled in, flags are 0 and 1. The options of runtimes are such. */
void rf_options_complete(resty_ffi_options *o);
/* Whether something is given that a runtime with these options does not have; text names the first. */
bool rf_options_differ(const resty_ffi_options *have, const resty_ffi_options *given, char *text, size_t size);
/* Bytes of a list such as name\0name\0…\0, with its last NUL. */
size_t rf_options_list_size(const char *list);

#endif
