/* Shared dicts for hosts without their own: strings by dict name and key, in this process.
   For pull.c. */
#ifndef RF_PULL_DICT_H
#define RF_PULL_DICT_H

#include "../../loop/host.h"

struct rf_pull_dict;

struct rf_pull_dict *rf_pull_dict_new(void);
void rf_pull_dict_free(struct rf_pull_dict *d);
void rf_pull_dict_serve(struct rf_pull_dict *d, const struct resty_ffi_dict_request *r,
                        struct resty_ffi_dict_answer *a);

#endif
