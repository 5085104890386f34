/* The shared dicts of hosts that have none of their own: strings by name of the dict and key, in this process. */
#ifndef RF_DICT_H
#define RF_DICT_H

#include "../../loop/host.h"

struct rf_dict;

struct rf_dict *rf_dict_new(void);
void rf_dict_free(struct rf_dict *d);
void rf_dict_serve(struct rf_dict *d, const struct resty_ffi_dict_request *r, struct resty_ffi_dict_answer *a);

#endif
