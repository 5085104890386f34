/*
 * The few parts of nginx that this host touches, declared by hand so that one library serves every nginx (64-bit). The
 * worker finds out where connections and events have their fields: see layout.h. All symbols are weak: outside nginx
 * the library loads and reports that it is not in nginx. For files of this folder.
 */
#ifndef RF_NGINX_ABI_H
#define RF_NGINX_ABI_H

#include <stddef.h>
#include <stdint.h>

#define WEAK __attribute__((weak))

struct ngx_cycle_prefix {
    void **conf_ctx; /* by the module's index */
    void *pool;      /* NULL once the process is about to exit */
    void *log;       /* points into this struct */
};

struct ngx_module_prefix {
    uintptr_t ctx_index, index;
};

struct ngx_core_conf_prefix {
    uintptr_t daemon, master;                     /* 0 or 1 */
    uintptr_t timer_resolution, shutdown_timeout; /* ms */
    intptr_t worker_processes;
};

#define NGX_READ_EVENT_EPOLL 0x2001                /* EPOLLIN | EPOLLRDHUP */
#define NGX_CLEAR_EVENT_EPOLL ((uintptr_t)1 << 31) /* EPOLLET */
#define NGX_USE_EPOLL_EVENT 0x40

typedef intptr_t (*ngx_event_action)(void *ev, intptr_t event, uintptr_t flags);

extern ngx_event_action ngx_event_actions[] WEAK; /* [0] add, [1] del */
extern volatile struct ngx_cycle_prefix *ngx_cycle WEAK;
extern uintptr_t ngx_event_flags WEAK;
extern struct ngx_module_prefix ngx_core_module WEAK;
extern volatile uintptr_t ngx_exiting WEAK; /* the worker ends when its requests and timers have */
extern volatile int ngx_terminate WEAK;     /* it ends at once */
/* The connection is empty except for its events, fd and log. NULL = all are in use. */
extern void *ngx_get_connection(int fd, void *log) WEAK;
extern void ngx_free_connection(void *connection) WEAK;

extern int ngx_http_lua_ffi_sema_new(void **sem, int n, char **error) WEAK;
extern int ngx_http_lua_ffi_sema_post(void *sem, int n) WEAK;
extern int ngx_http_lua_ffi_sema_count(void *sem) WEAK;
extern void ngx_http_lua_ffi_sema_gc(void *sem) WEAK;
extern int ngx_stream_lua_ffi_sema_new(void **sem, int n, char **error) WEAK;
extern int ngx_stream_lua_ffi_sema_post(void *sem, int n) WEAK;
extern int ngx_stream_lua_ffi_sema_count(void *sem) WEAK;
extern void ngx_stream_lua_ffi_sema_gc(void *sem) WEAK;

/* request NULL: nginx's own log. */
extern int ngx_http_lua_ffi_raw_log(void *request, int level, const char *text, size_t len) WEAK;
extern int ngx_stream_lua_ffi_raw_log(void *request, int level, const char *text, size_t len) WEAK;

#define NGX_SHDICT_FUNCTIONS(subsystem)                                                                                \
    extern void *ngx_##subsystem##_lua_ffi_shdict_udata_to_zone(void *userdata) WEAK;                                  \
    extern int ngx_##subsystem##_lua_ffi_shdict_get(void *zone, const char *key, size_t key_len, int *type,            \
                                                    char **text, size_t *text_len, double *number, int *user_flags,    \
                                                    int get_stale, int *is_stale, char **error) WEAK;                  \
    extern int ngx_##subsystem##_lua_ffi_shdict_store(void *zone, int op, const char *key, size_t key_len, int type,   \
                                                      const char *text, size_t text_len, double number, long ttl_ms,   \
                                                      int user_flags, char **error, int *forcible) WEAK;               \
    extern int ngx_##subsystem##_lua_ffi_shdict_incr(void *zone, const char *key, size_t key_len, double *value,       \
                                                     char **error, int has_init, double init, long init_ttl_ms,        \
                                                     int *forcible) WEAK;

NGX_SHDICT_FUNCTIONS(http)
NGX_SHDICT_FUNCTIONS(stream)

/* ngx_http_cleanup_t, ngx_stream_lua_cleanup_t: the handler is called when the request ends; size may be 0. */
struct ngx_request_cleanup {
    void (*handler)(void *data);
    void *data;
    struct ngx_request_cleanup *next;
};
extern struct ngx_request_cleanup *ngx_http_cleanup_add(void *request, size_t size) WEAK;
extern struct ngx_request_cleanup *ngx_stream_lua_cleanup_add(void *request, size_t size) WEAK;

#endif
