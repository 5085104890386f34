/* The numbers of method names. For files of this folder. */
#ifndef RF_METHODS_H
#define RF_METHODS_H

#include "host.h"

void rf_methods_free(resty_ffi_runtime *rt);

#endif
