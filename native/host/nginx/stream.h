/* Streams in nginx. For files of this folder; main thread of a worker. */
#ifndef RF_NGINX_STREAM_H
#define RF_NGINX_STREAM_H

#include "../../loop/host.h"

struct rf_nginx_subsystem;

/* For the core: there is something to read, or it can be written again. */
void rf_nginx_stream_tell(void *subsystem, resty_ffi_call *call, int events);
/* Cancels a call whose waiting light thread was killed. */
void rf_nginx_stream_look(const struct rf_nginx_subsystem *s, resty_ffi_call *call);

#endif
