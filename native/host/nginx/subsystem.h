/* nginx's two subsystems with their ngx_lua. For files of this folder; main thread of a worker. */
#ifndef RF_NGINX_SUBSYSTEM_H
#define RF_NGINX_SUBSYSTEM_H

#include "../../loop/host.h"

struct ngx_request_cleanup;

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

/* 0 = http, 1 = stream. Empty until rf_nginx_subsystem_find. */
struct rf_nginx_subsystem *rf_nginx_subsystem(int number);
/* Looks up the functions of ngx_lua. False: ngx_lua is missing or too old. */
bool rf_nginx_subsystem_find(int number);

#endif
