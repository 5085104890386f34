/*
 * What a host (nginx, Envoy, Node, the C harness) calls. One loop per event-loop thread; everything here belongs to
 * that thread. Not part of the public interface: hosts and core come from the same build.
 */
#ifndef RF_HOST_H
#define RF_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct resty_ffi_loop resty_ffi_loop;
typedef struct resty_ffi_runtime resty_ffi_runtime;

enum resty_ffi_call_state { RESTY_FFI_IDLE = 0, RESTY_FFI_IN_FLIGHT = 1, RESTY_FFI_DONE = 2 };

/*
 * One call at a time; reused for the next. Made by resty_ffi_call_new, owned by the host until resty_ffi_call_free.
 * Hosts mirror these first fields.
 */
typedef struct resty_ffi_call {
    void *user;       /* the host's own */
    const char *data; /* the answer, when state is DONE; valid until the next submit, release or free */
    uint64_t len;
    int32_t status; /* 0, or a code; then data is the message */
    int32_t nil;    /* no answer at all, as opposed to an empty one */
    int32_t state;
} resty_ffi_call;

/* A request of a runtime to the host's shared dict. */
struct resty_ffi_dict_request {
    int op; /* enum resty_ffi_dict_op */
    const char *key, *value;
    uint64_t key_len, value_len;
    uint64_t ttl_ms;
};

/* Its answer: data NULL = nil; the host's memory, valid until its next answer. With a status other than 0 a message. */
struct resty_ffi_dict_answer {
    int status;
    const char *data;
    size_t len;
};

/* How the core reaches the host. All are called on the loop's thread. */
struct resty_ffi_host {
    /* Calls ready(arg) whenever fd becomes readable (edge or level). *handle: for unwatch. NULL or an error text. */
    const char *(*watch)(void *host, int fd, void (*ready)(void *arg), void *arg, void **handle);
    void (*unwatch)(void *host, void *handle);
    void (*done)(void *host, resty_ffi_call *call); /* state is DONE now */
    void (*log)(void *host, int level, const char *runtime, const char *text, size_t len);
    void (*dict)(void *host, resty_ffi_runtime *rt, const struct resty_ffi_dict_request *request,
                 struct resty_ffi_dict_answer *answer);
    void *host;
    bool level; /* watch is level-triggered: the core reads the descriptor */
};

typedef struct resty_ffi_options {
    uint32_t size;      /* of this struct */
    uint32_t max_queue; /* 0 = 65536 */
    uint32_t workers;   /* 0 = 1; processes serving this runtime */
    uint32_t load_timeout_ms;
    uint8_t isolate, global, unpin, restart;
} resty_ffi_options;

typedef struct resty_ffi_stats {
    uint64_t calls, answered, failed, timed_out, cancelled, late, queue_full, restarts;
    uint32_t in_flight, workers;
    int32_t process; /* 1: the process transport */
    int32_t up;      /* 1: serving */
} resty_ffi_stats;

/* NULL if memory runs out. *host is copied. */
resty_ffi_loop *resty_ffi_loop_new(const struct resty_ffi_host *host);
/* Ends all runtimes, waiting up to timeout_ms for them; kills child processes that take longer. No call is answered
   any more. The loop itself stays, so that late calls find it closed. */
void resty_ffi_loop_close(resty_ffi_loop *l, int timeout_ms);

/*
 * Loads lib (a name or a path) with a configuration (cfg NULL = none), or finds the runtime of the same key. Begins the
 * work and returns at once; see resty_ffi_runtime_wait. NULL: refused, error (error_size bytes) says why.
 */
resty_ffi_runtime *resty_ffi_runtime_load(resty_ffi_loop *l, const char *lib, const char *cfg, size_t cfg_len,
                                          const resty_ffi_options *options, char *error, size_t error_size);
/* 1 = serving, 0 = still starting after timeout_ms, -1 = failed; then error says why, and only release is left to do.
 */
int resty_ffi_runtime_wait(resty_ffi_runtime *rt, int timeout_ms, char *error, size_t error_size);
/* No new calls; those in flight finish; then the runtime ends. It may be loaded again at once. */
void resty_ffi_runtime_unload(resty_ffi_runtime *rt);
/* Gives back what resty_ffi_runtime_load returned, once for each load that did not refuse; NULL is fine. A runtime that
   is loaded goes on; of one that has ended, the last release frees it. */
void resty_ffi_runtime_release(resty_ffi_runtime *rt);
void resty_ffi_runtime_stats(const resty_ffi_runtime *rt, resty_ffi_stats *out);
const char *resty_ffi_runtime_name(const resty_ffi_runtime *rt);
/* The number of a method name, for submit; negative = a code (name too long, too many names). */
int resty_ffi_runtime_method(resty_ffi_runtime *rt, const char *name, size_t len);
/* The sentence that goes with a code that submit returned. Valid until the next call of this function. */
const char *resty_ffi_runtime_explain(resty_ffi_runtime *rt, int status);
/* The host's own pointer, NULL at first. */
void *resty_ffi_runtime_user(const resty_ffi_runtime *rt);
void resty_ffi_runtime_set_user(resty_ffi_runtime *rt, void *user);

resty_ffi_call *resty_ffi_call_new(resty_ffi_loop *l);
void resty_ffi_call_free(resty_ffi_call *call);
/* The host pointer of the call's loop. */
void *resty_ffi_call_host(const resty_ffi_call *call);
/*
 * Sends a request: copies len bytes at data (data NULL = nil). timeout_ms tells the handler its deadline, 0 = none; the
 * host itself watches the clock and cancels. 0, or a code: nothing was sent.
 */
int resty_ffi_call_submit(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data, uint64_t len,
                          uint64_t timeout_ms);
/* Nobody waits any more: status is TIMEOUT or CANCELLED. The call can be used again at once. No-op if not in flight. */
void resty_ffi_call_cancel(resty_ffi_call *call, int status);
/* Gives back the answer's memory; submit and free do it too. */
void resty_ffi_call_release(resty_ffi_call *call);
/* Visits every call in flight. The visitor may cancel the call it is given. */
void resty_ffi_loop_each_call(resty_ffi_loop *l, void (*visit)(void *arg, resty_ffi_call *call), void *arg);
uint32_t resty_ffi_loop_in_flight(const resty_ffi_loop *l);

#endif
