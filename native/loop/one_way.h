/* One-way calls. For the end of a loop. */
#ifndef RF_ONE_WAY_H
#define RF_ONE_WAY_H

#include "host.h"

/* Fails all that are not answered yet. */
void rf_one_way_give_up(resty_ffi_loop *l);

#endif
