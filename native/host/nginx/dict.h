/* Requests to a lua_shared_dict. For the core. */
#ifndef RF_NGINX_DICT_H
#define RF_NGINX_DICT_H

#include "../../loop/host.h"

void rf_nginx_dict_serve(void *subsystem, const struct resty_ffi_dict_request *r, struct resty_ffi_dict_answer *a);

#endif
