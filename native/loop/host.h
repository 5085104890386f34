/*
 * What a host (nginx, Node, the C harness) calls. One loop per event-loop thread; everything here belongs to
 * that thread. Not part of the public interface: hosts and core come from the same build.
 */
#ifndef RF_HOST_H
#define RF_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct resty_ffi_loop resty_ffi_loop;
typedef struct resty_ffi_runtime resty_ffi_runtime;
struct rf_transports;

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
    int32_t state;  /* of a stream: IN_FLIGHT until its end came */
    int32_t stream; /* 1 = opened by resty_ffi_stream_open */
} resty_ffi_call;

/* What the host is told about a stream, and what resty_ffi_stream_next returns. */
enum resty_ffi_stream_event { RESTY_FFI_READABLE = 1, RESTY_FFI_WRITABLE = 2 };
enum resty_ffi_stream_next { RESTY_FFI_NOTHING = 0, RESTY_FFI_MESSAGE = 1, RESTY_FFI_ENDED = 2 };
#define RESTY_FFI_AGAIN 1

/* A request of a runtime to the host's shared dict. */
struct resty_ffi_dict_request {
    int op;           /* enum resty_ffi_dict_op */
    const char *zone; /* one of options.dicts */
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
    void (*done)(void *host, resty_ffi_call *call); /* of a plain call: state is DONE now */
    /* events: READABLE when a stream that had nothing to read has a message or its end, WRITABLE when one that was told
       AGAIN has a window again, or has ended. */
    void (*stream)(void *host, resty_ffi_call *call, int events);
    void (*log)(void *host, int level, const char *runtime, const char *text, size_t len);
    void (*dict)(void *host, const struct resty_ffi_dict_request *request, struct resty_ffi_dict_answer *answer);
    void (*tick)(void *host); /* resty_ffi_loop_tick is to be called from now on */
    void *host;
    bool level;                /* watch is level-triggered: the core reads the descriptor */
    bool (*hurry)(void *host); /* while its loop is being closed: whether the end is to be fast; NULL = never */
    const struct rf_transports *transports; /* how it starts runtimes */
};

enum resty_ffi_said { RESTY_FFI_UNSAID = 0, RESTY_FFI_YES = 1, RESTY_FFI_NO = 2 };

#define RESTY_FFI_FOREVER UINT32_MAX

/*
 * How to load a runtime. 0 and NULL: not given. What is given must be what a runtime of the same key has already, or
 * the load is refused. Strings are copied by resty_ffi_runtime_load. Defaults and names are in options.c.
 */
typedef struct resty_ffi_options {
    uint32_t size;            /* of this struct */
    uint32_t max_queue;       /* calls that may wait */
    uint32_t workers;         /* processes serving this runtime */
    uint32_t load_timeout_ms; /* of a start */
    uint32_t drain_ms;        /* how long a reload lets the old code finish */
    uint32_t timeout_ms;      /* of a call that gives none; RESTY_FFI_FOREVER = none. The host keeps it. */
    uint8_t isolate, global, unpin, restart, watch; /* enum resty_ffi_said */
    /* Child processes; not given: as the host's own. */
    uint32_t files;       /* descriptors they may have open */
    uint32_t cpus;        /* processors they may use */
    uint64_t memory;      /* bytes of memory they may hold */
    const char *dicts;    /* shared dicts that the runtime may use: name\0name\0…\0 */
    const char *user;     /* whom they run as; the host is root then */
    const char *env;      /* their environment: NAME\0NAME=value\0…\0; NAME passes the host's variable on */
    const char *settings; /* for the runtime: name\0value\0…\0 */
} resty_ffi_options;

typedef struct resty_ffi_stats {
    uint64_t calls, answered, failed, timed_out, cancelled, late, queue_full, restarts, reloads, streams;
    uint64_t bytes_in, bytes_out; /* payloads to the runtime, and from it */
    uint32_t in_flight, workers;
    uint32_t queued; /* frames that the runtime has not taken yet */
    int32_t process; /* 1: the process transport */
    int32_t up;      /* 1: serving */
} resty_ffi_stats;

/*
 * How long calls took: bucket k counts those below 2^k × 8.192 µs that no earlier bucket counts; the last has the rest.
 */
#define RESTY_FFI_BUCKETS 20
#define RESTY_FFI_KINDS 12

/* One method's calls. errors: by kind, the index is -code; 0 = the runtime's own codes. */
typedef struct resty_ffi_method_stats {
    uint64_t calls, answered, bytes_in, bytes_out;
    uint64_t errors[RESTY_FFI_KINDS];
    uint64_t took[RESTY_FFI_BUCKETS]; /* plain calls that got an answer */
    uint64_t took_us;                 /* their sum */
    uint64_t in_flight;
} resty_ffi_method_stats;

/* NULL if memory runs out. *host is copied. */
resty_ffi_loop *resty_ffi_loop_new(const struct resty_ffi_host *host);
/* Ends all runtimes, waiting up to timeout_ms: first until one-way calls are answered, at most half of the time, then
   until the runtimes have finished what they have begun (drain_ms). Child processes that take longer are killed. No
   other call is answered any more. The loop itself stays, so that late calls find it closed. */
void resty_ffi_loop_close(resty_ffi_loop *l, int timeout_ms);

/*
 * Loads lib (a name or a path) with a configuration (cfg NULL = none), or finds the runtime of the same key, unless it
 * has other options than those given. Begins the work and returns at once; see resty_ffi_runtime_wait. NULL: refused,
 * error (error_size bytes) says why.
 */
resty_ffi_runtime *resty_ffi_runtime_load(resty_ffi_loop *l, const char *lib, const char *cfg, size_t cfg_len,
                                          const resty_ffi_options *options, char *error, size_t error_size);
/*
 * 1 = serving, 0 = still starting after timeout_ms, -1 = failed, -2 = failed because load_timeout_ms has passed. After
 * a failure error says why, and the caller releases the runtime.
 */
int resty_ffi_runtime_wait(resty_ffi_runtime *rt, int timeout_ms, char *error, size_t error_size);
/* No new calls; those in flight finish; then the runtime ends. It may be loaded again at once. */
void resty_ffi_runtime_unload(resty_ffi_runtime *rt);
/* Gives back what resty_ffi_runtime_load returned, once for each load that did not refuse; NULL is fine. A runtime that
   is loaded goes on; of one that has ended, the last release frees it. */
void resty_ffi_runtime_release(resty_ffi_runtime *rt);
void resty_ffi_runtime_stats(const resty_ffi_runtime *rt, resty_ffi_stats *out);
/* The counters of one method by number, and its name. NULL: no such number (they are dense, from 0). */
const char *resty_ffi_runtime_method_stats(const resty_ffi_runtime *rt, uint32_t method, resty_ffi_method_stats *out);
/*
 * Starts the runtime's code again beside the old code. New calls go to the new code as soon as it is up; the old code
 * ends when its calls are done, or after drain_ms. A reload that is already under way is not started twice. Returns at
 * once: 0, or a code if the runtime is not serving.
 */
int resty_ffi_runtime_reload(resty_ffi_runtime *rt);
/* 1 = the new code serves, 0 = still starting after timeout_ms, -1 = the new code did not start, the old goes on, and
   error says why. */
int resty_ffi_runtime_reload_wait(resty_ffi_runtime *rt, int timeout_ms, char *error, size_t error_size);
const char *resty_ffi_runtime_name(const resty_ffi_runtime *rt);
/* The default timeout of a call, in ms; RESTY_FFI_FOREVER = none. */
uint32_t resty_ffi_runtime_timeout(const resty_ffi_runtime *rt);
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
/*
 * The caller no longer waits: status is TIMEOUT or CANCELLED. The call can be used again at once. No-op if not in
 * flight.
 */
void resty_ffi_call_cancel(resty_ffi_call *call, int status);
/*
 * A one-way call: no caller waits, so it needs no resty_ffi_call. The answer is dropped; a failure is counted like that
 * of any call, and logged. 0, or a code: nothing was sent. At most max_queue one-way calls are unanswered at a time.
 */
int resty_ffi_runtime_send(resty_ffi_runtime *rt, uint32_t method, const char *data, uint64_t len, uint64_t timeout_ms);
/* Gives back the answer's memory; submit and free do it too. */
void resty_ffi_call_release(resty_ffi_call *call);
/*
 * Streams: a call that carries many messages each way. Opened like a plain call is submitted; data NULL = no first
 * message; end: nothing will follow it. 0, or a code: nothing was sent. resty_ffi_call_cancel ends one at any time,
 * resty_ffi_call_release gives one back that has ended, resty_ffi_call_free does both.
 */
int resty_ffi_stream_open(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data, uint64_t len,
                          bool end, uint64_t timeout_ms);
/*
 * Sends a message (data NULL = none) and, with end, closes this direction. 0 = sent; AGAIN = the window is used up,
 * nothing was sent: wait for WRITABLE; else a code: UNLOADED if this direction is closed or the stream has ended.
 */
int resty_ffi_stream_send(resty_ffi_call *call, const char *data, uint64_t len, bool end);
/*
 * Takes the next message. MESSAGE: it is in data, len, nil, valid until the next resty_ffi_stream_next. NOTHING: wait
 * for READABLE. ENDED: status and data say how; again and again.
 */
int resty_ffi_stream_next(resty_ffi_call *call);
/* Ends a stream in flight for the host's own reasons; unread messages are dropped. */
void resty_ffi_stream_fail(resty_ffi_call *call, int status, const char *text);

/*
 * Looks after what has no event of its own: frames that found the queue full, deadlines, reloads, watched files. To be
 * called about every 50 ms from the host's tick until this returns false.
 */
bool resty_ffi_loop_tick(resty_ffi_loop *l);

/* Visits every call in flight with a waiting caller. The visitor may cancel the call. */
void resty_ffi_loop_each_call(resty_ffi_loop *l, void (*visit)(void *arg, resty_ffi_call *call), void *arg);
uint32_t resty_ffi_loop_in_flight(const resty_ffi_loop *l);

#endif
