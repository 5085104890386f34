/* Deadlines. For files of this folder. */
#ifndef RF_DEADLINES_H
#define RF_DEADLINES_H

#include "host.h"

/* Of streams, which may have nobody who waits and looks at the clock, and of one-way calls. True while one
   is ahead. */
bool rf_deadlines_look(resty_ffi_loop *l, uint64_t now);

#endif
