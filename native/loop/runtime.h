/* Runtimes. For files of this folder. */
#ifndef RF_RUNTIME_H
#define RF_RUNTIME_H

#include "loop.h"

struct rf_instance;
struct rf_transport;

#define RF_MAX_WORKERS 64u

enum rf_runtime_state { RF_LOADING, RF_UP, RF_FAILED, RF_UNLOADED };

/*
 * What a key (library and configuration) stands for. The loop owns it while it is loaded, the hosts by their handles:
 * freed when it has ended and the last handle is released.
 */
struct resty_ffi_runtime {
    resty_ffi_loop *loop;
    resty_ffi_runtime *next;
    char *lib, *cfg; /* cfg NULL = none */
    size_t cfg_len;
    resty_ffi_options options;      /* complete */
    resty_ffi_options *own_options; /* the memory behind the strings of options */
    enum rf_runtime_state state;
    uint64_t since;                       /* when it was loaded first */
    bool timed_out;                       /* the load failed because it took too long */
    const struct rf_transport *transport; /* of its workers */
    uint32_t handles;                     /* of hosts: one for each load */
    struct rf_instance **workers;         /* options.workers of them */
    uint32_t worker_count;
    struct rf_instance **incoming; /* during a reload: the future workers; NULL entries have failed */
    uint32_t incoming_count;
    uint32_t generation; /* of the workers */
    uint64_t reloading;  /* since when a reload is under way, 0 = none is */
    int32_t reloaded;    /* how the last reload went: 1, 0 = under way, -1 = failed, reload_error says why */
    char **methods;      /* names by number */
    resty_ffi_method_stats *method_stats;
    uint32_t method_count, method_size;
    uint32_t *method_index;                /* hash table of numbers + 1, twice method_size */
    uint32_t drops;                        /* failed starts in a row, for the back-off */
    uint32_t missing;                      /* workers that could not be restarted */
    uint64_t retry;                        /* when to try again */
    void (*refill)(resty_ffi_runtime *rt); /* starts missing workers at the next call; NULL = none is missing */
    resty_ffi_stats stats;
    void *user;
    char name[128];
    char error[RF_TEXT];
    char reload_error[RF_TEXT];
    char explained[RF_TEXT + 256];
};

/* A new runtime of this key, not yet in the loop's list. options: complete. NULL = no memory. */
resty_ffi_runtime *rf_runtime_new(resty_ffi_loop *l, const char *lib, const char *cfg, size_t cfg_len,
                                  const resty_ffi_options *o);
/* Takes the runtime out of the loop's list: its key is free. */
void rf_runtime_unregister(resty_ffi_runtime *rt);
/* The runtime cannot be loaded: ends its workers. */
void rf_runtime_fail(resty_ffi_runtime *rt, const char *text);
/* Frees a runtime that has ended and has no handles. */
void rf_runtime_settle(resty_ffi_runtime *rt);
/* Logs a line of the core's own about the runtime. */
void rf_runtime_log(resty_ffi_runtime *rt, int level, const char *text);

#endif
