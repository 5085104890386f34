/* The nginx host: what lua-resty-ffi calls, besides core/host.h. Main thread of a worker only. */
#ifndef RF_NGINX_H
#define RF_NGINX_H

#include "../../core/host.h"

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
/* The zone of the lua_shared_dict that this runtime may use; NULL = none. */
void resty_ffi_nginx_set_dict(resty_ffi_runtime *rt, void *zone);
/* A Lua VM is being closed; if that is because the worker ends, all runtimes end. */
void resty_ffi_nginx_exit(void);

struct rf_nginx_subsystem {
    const char *name;
    int (*sema_new)(void **sem, int n, char **error);
    int (*sema_post)(void *sem, int n);
    int (*sema_count)(void *sem);
    void (*sema_gc)(void *sem);
    int (*dict_get)(void *zone, const char *key, size_t key_len, int *type, char **text, size_t *text_len,
                    double *number, int *user_flags, int get_stale, int *is_stale, char **error);
    int (*dict_store)(void *zone, int op, const char *key, size_t key_len, int type, const char *text, size_t text_len,
                      double number, long ttl_ms, int user_flags, char **error, int *forcible);
    int (*dict_incr)(void *zone, const char *key, size_t key_len, double *value, char **error, int has_init,
                     double init, long init_ttl_ms, int *forcible);
    resty_ffi_loop *loop; /* NULL until init */
};

/* dict.c */
void rf_nginx_dict(void *subsystem, resty_ffi_runtime *rt, const struct resty_ffi_dict_request *r,
                   struct resty_ffi_dict_answer *a);

#endif
