/* The core's own view of loops, runtimes and their instances. */
#ifndef RF_LOOP_H
#define RF_LOOP_H

#include "host.h"
#include "lock.h"
#include "queue.h"

#define RF_TEXT 1024

struct rf_instance;

/* A host's call. Owned by the host; the loop's table points to it. */
struct rf_call {
    resty_ffi_call public;
    resty_ffi_loop *loop;
    struct rf_instance *instance; /* where it is in flight, or whose memory holds the answer */
    uint32_t index, generation;
    uint64_t block; /* the answer's payload, 0 = none */
    char *text;     /* the answer, when it is a message of the core's own; malloc'ed */
};

struct resty_ffi_loop {
    struct resty_ffi_host host;
    struct rf_call **calls;
    uint32_t calls_size, calls_used;
    uint32_t *free_calls, free_count;
    uint32_t in_flight;
    resty_ffi_runtime *runtimes;      /* loaded or loading, found by key */
    struct rf_instance *instances;    /* all, also those that end */
    struct rf_supervisor *supervisor; /* NULL until the first child process */
    uint64_t complained;              /* when a stray answer was last logged */
    bool closed;
};

enum rf_runtime_state { RF_LOADING, RF_UP, RF_FAILED, RF_UNLOADED };

/*
 * What a key stands for. Owned by the loop while it is loaded, and by the hosts' handles: freed when it has ended and
 * the last handle is given back.
 */
struct resty_ffi_runtime {
    resty_ffi_loop *loop;
    resty_ffi_runtime *next;
    char *lib, *cfg; /* cfg NULL = none */
    size_t cfg_len;
    resty_ffi_options options;
    enum rf_runtime_state state;
    bool process;
    uint32_t handles;             /* that hosts hold: one for each load */
    struct rf_instance **workers; /* options.workers of them */
    uint32_t worker_count;
    char **methods; /* names by number */
    uint32_t method_count, method_size;
    uint32_t *method_index; /* hash table of numbers + 1, twice method_size */
    uint32_t drops;         /* unanswered failures in a row, for the back-off */
    uint32_t missing;       /* workers that could not even be started again */
    uint64_t retry;         /* when to try that next */
    resty_ffi_stats stats;
    void *user;
    char name[128];
    char error[RF_TEXT];
    char explained[RF_TEXT + 256];
};

/* What other threads tell the loop about an instance, as bits. */
enum rf_news {
    RF_NEWS_READY = 1,
    RF_NEWS_FAILED = 2,        /* did not start; text says why */
    RF_NEWS_EXITED = 4,        /* the process is gone; text says how */
    RF_NEWS_ENDED = 8,         /* the runtime closed its queue; or, after it was told to end, its process is gone */
    RF_NEWS_WANTS_PROCESS = 16 /* the library is a program's */
};

enum rf_instance_state { RF_STARTING, RF_READY, RF_CLOSING, RF_GONE };

struct rf_transport {
    /* Begins to start; news follow. NULL or an error text. */
    const char *(*start)(struct rf_instance *i, uint32_t delay_ms);
    /* The queue is marked closed; see to it that the runtime ends. */
    void (*end)(struct rf_instance *i);
};

/*
 * One queue with a runtime behind it: a library in this process, or one child process. The loop owns it; refs counts
 * the loop, the threads of the transport, and the runtime itself until resty_ffi_close, since each touches it last
 * at a time of its own.
 */
struct rf_instance {
    resty_ffi_queue q;
    resty_ffi_loop *loop;
    struct rf_instance *next;
    resty_ffi_runtime *rt; /* NULL when no longer one of its workers */
    const struct rf_transport *transport;
    void *watch;
    enum rf_instance_state state;
    uint32_t in_flight; /* calls whose callers wait */
    uint32_t owed;      /* calls sent minus answers that came, so also those nobody waits for */
    uint32_t held;      /* answers that a host has not released */
    uint32_t method_count;
    uint64_t since; /* of the state */
    bool failed;    /* libffi_init did */
    bool damaged;   /* the child wrote garbage */
    bool retired;   /* memory and descriptors are gone; only the struct is left for late callers */
    _Atomic int refs;
    _Atomic uint32_t news;
    rf_lock lock; /* text */
    char text[RF_TEXT];
    char name[128];
    /* thread transport */
    void *library;
    bool global, unpin;
    char *lib;
    char *cfg;
    /* process transport */
    int memfd;
    uint32_t load_timeout_ms;
};

extern const struct rf_transport rf_thread_transport, rf_process_transport;

/* instance.c */
struct rf_instance *rf_instance_new(resty_ffi_runtime *rt, const struct rf_transport *transport, uint32_t delay_ms,
                                    const char **error);
void rf_instance_close(struct rf_instance *i);
void rf_instance_unref(struct rf_instance *i);
void rf_instance_news(struct rf_instance *i, uint32_t news, const char *text, size_t len);
void rf_instance_text(struct rf_instance *i, char *out, size_t size);
void rf_instance_released(struct rf_instance *i);
void rf_instance_dispatch(void *instance);
/* At the end of the loop: logs what there is to be logged and drops the answers, so that nobody waits for slots. */
void rf_instance_flush(struct rf_instance *i);
/* Whether the runtime's threads are done with the queue of a closing instance. */
bool rf_instance_left(struct rf_instance *i);
/* Frees what has ended; called now and then. */
void rf_instances_sweep(resty_ffi_loop *l);

/* runtime.c: what the news of an instance mean for its runtime. */
void rf_runtime_news(resty_ffi_runtime *rt, struct rf_instance *i, uint32_t news);
void rf_runtime_drained(resty_ffi_runtime *rt);
/* Starts workers that could not be started again when they had exited. */
void rf_runtime_refill(resty_ffi_runtime *rt);

/* methods.c */
void rf_methods_free(resty_ffi_runtime *rt);

/* call.c */
void rf_call_answer(struct rf_instance *i, const struct rf_slot *s);
void rf_calls_fail(struct rf_instance *i, int status, const char *text);

/* transport/process/supervisor.c */
void rf_supervisor_stop(struct rf_supervisor *s, int timeout_ms);

/* search.c: where a library is. Returns a path or name for dlopen in out. */
void rf_library_find(const char *lib, char *out, size_t size);
/* The places searched, for a message. */
void rf_library_places(const char *lib, char *out, size_t size);
/* The folder of libresty_ffi.so itself. */
const char *rf_own_folder(void);

#endif
