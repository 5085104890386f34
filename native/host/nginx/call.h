/* Plain calls in nginx. For files of this folder; main thread of a worker. */
#ifndef RF_NGINX_CALL_H
#define RF_NGINX_CALL_H

#include "../../loop/host.h"

struct rf_nginx_subsystem;

/* For the core: the call is done. */
void rf_nginx_call_tell(void *subsystem, resty_ffi_call *call);
/* Cancels a call whose waiting light thread was killed. */
void rf_nginx_call_look(const struct rf_nginx_subsystem *s, resty_ffi_call *call);

#endif
