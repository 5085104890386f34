/* The nginx host: what lua-resty-ffi calls, besides loop/host.h. Main thread of a worker only. */
#ifndef RF_NGINX_H
#define RF_NGINX_H

#include "../../loop/host.h"

/* subsystem: 0 = http, 1 = stream. NULL = ready; else a sentence that says what to change. */
const char *resty_ffi_nginx_init(int subsystem);
resty_ffi_loop *resty_ffi_nginx_loop(int subsystem);
/* A call whose user is an ngx.semaphore's C part: posted once when the call is done. Freed by
 * resty_ffi_nginx_call_free. */
resty_ffi_call *resty_ffi_nginx_call_new(int subsystem);
void resty_ffi_nginx_call_free(resty_ffi_call *call);
/* resty_ffi_call_submit for a caller that is about to wait on the call's semaphore. */
int resty_ffi_nginx_submit(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data, uint64_t len,
                           uint64_t timeout_ms);
/*
 * A stream: two semaphores, posted when there is something to read and when it can be written again. It belongs to the
 * request that opened it and is cancelled when that ends. Freed by resty_ffi_nginx_stream_free.
 */
struct rf_nginx_stream {
    void *readable, *writable; /* C parts of ngx.semaphore */
    int32_t waiting;           /* light threads that wait on one of the semaphores; counted by Lua */
    int32_t turns;             /* waits that have ended; counted by Lua */
    int32_t seen;              /* turns when it last looked lost */
    resty_ffi_call *call;
    struct rf_nginx_request *request;      /* NULL = it has ended */
    struct rf_nginx_stream *next, **place; /* among those of its request */
};
/* NULL = no memory. request: ngx_http_request_t * or ngx_stream_lua_request_t *. */
resty_ffi_call *resty_ffi_nginx_stream_new(int subsystem, void *request);
void resty_ffi_nginx_stream_free(resty_ffi_call *call);
int resty_ffi_nginx_stream_open(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data,
                                uint64_t len, int end, uint64_t timeout_ms);
/* A lua_shared_dict by its name, for runtimes that may use it; userdata: what Lua has of it. 0 = no memory. */
int resty_ffi_nginx_set_dict(int subsystem, const char *name, void *userdata);
/* A Lua VM is being closed; if the worker ends, so do all runtimes. */
void resty_ffi_nginx_exit(void);

#endif
