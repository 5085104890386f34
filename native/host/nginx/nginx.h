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
    int32_t waiting;           /* light threads inside a wait on one of them; counted by Lua */
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
/* A Lua VM is being closed; if that is because the worker ends, all runtimes end. */
void resty_ffi_nginx_exit(void);

struct rf_nginx_subsystem {
    const char *name;
    int (*sema_new)(void **sem, int n, char **error);
    int (*sema_post)(void *sem, int n);
    int (*sema_count)(void *sem);
    void (*sema_gc)(void *sem);
    int (*raw_log)(void *request, int level, const char *text, size_t len);
    void *(*dict_zone)(void *userdata); /* NULL in ngx_lua before 0.10.14: what Lua has is the zone */
    int (*dict_get)(void *zone, const char *key, size_t key_len, int *type, char **text, size_t *text_len,
                    double *number, int *user_flags, int get_stale, int *is_stale, char **error);
    int (*dict_store)(void *zone, int op, const char *key, size_t key_len, int type, const char *text, size_t text_len,
                      double number, long ttl_ms, int user_flags, char **error, int *forcible);
    int (*dict_incr)(void *zone, const char *key, size_t key_len, double *value, char **error, int has_init,
                     double init, long init_ttl_ms, int *forcible);
    struct ngx_request_cleanup *(*cleanup_add)(void *request, size_t size);
    resty_ffi_loop *loop; /* NULL until init */
};

/* log.c */
void rf_nginx_log(void *subsystem, int level, const char *runtime, const char *text, size_t len);

/* children.c, descriptors.c, exits.c: what becomes of them when a library is loaded into the worker. Before that. */
void rf_nginx_own_children(void);
void rf_nginx_own_descriptors(void);
void rf_nginx_own_exits(void *subsystem);
/* From here on exit handlers have a few seconds, then the worker ends without them. */
void rf_nginx_bound_exit(void);

/* dict.c */
void rf_nginx_dict(void *subsystem, const struct resty_ffi_dict_request *r, struct resty_ffi_dict_answer *a);

/* shutdown.c: cancels what is in flight when the worker exits and has no more time for it. */
void rf_nginx_end_late_calls(const struct rf_nginx_subsystem *s);
/* To be called while there is a configuration. */
void rf_nginx_note_shutdown_timeout(void);
/* How long the end of a worker may take, in ms; and whether it is to be fast. */
int rf_nginx_time_to_end(void);
bool rf_nginx_hurry(void *subsystem);

/* stream.c */
void rf_nginx_on_stream(void *subsystem, resty_ffi_call *call, int events);
/* Cancels one whose waiting light thread was killed. */
void rf_nginx_look_at_stream(const struct rf_nginx_subsystem *s, resty_ffi_call *call);
/* nginx.c: 0 = http, 1 = stream; from now on resty_ffi_loop_tick and the search for lost callers run. */
const struct rf_nginx_subsystem *rf_nginx_subsystem(int number);
void rf_nginx_begin_sweep(void);

#endif
