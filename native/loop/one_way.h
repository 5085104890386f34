/* One-way calls. For files of this folder. */
#ifndef RF_ONE_WAY_H
#define RF_ONE_WAY_H

#include "host.h"

struct rf_call;
struct rf_instance;

/* Tells how a one-way call failed, whose text is in it; one is over, and was at i; one has reached its
   deadline. */
void rf_one_way_tell(struct rf_call *c, int status);
void rf_one_way_end(struct rf_instance *i, struct rf_call *c);
void rf_one_way_late(struct rf_call *c);
/* All that are not answered yet fail. */
void rf_one_way_give_up(resty_ffi_loop *l);

#endif
