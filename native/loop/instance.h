/*
 * Instances: one queue each, with a runtime behind it. For files of this folder on the loop's thread, and for
 * transports, whose threads may bring news and give back references.
 */
#ifndef RF_INSTANCE_H
#define RF_INSTANCE_H

#include "../channel/lock.h"
#include "../queue/queue.h"
#include "logging.h"
#include "loop.h"

struct rf_transport;
struct rf_watched;

/* What other threads tell the loop about an instance, as bits. */
enum rf_news {
    RF_NEWS_READY = 1,
    RF_NEWS_FAILED = 2,         /* did not start; text says why */
    RF_NEWS_EXITED = 4,         /* the process is gone; text says how */
    RF_NEWS_ENDED = 8,          /* the runtime closed its queue; or, after it was told to end, its process is gone */
    RF_NEWS_WANTS_PROCESS = 16, /* the library is a program's */
    RF_NEWS_OUTPUT = 32         /* the child process has printed lines */
};

enum rf_instance_state { RF_STARTING, RF_READY, RF_CLOSING, RF_GONE };

/* How the maker of an instance hears of it, on the loop's thread. */
struct rf_instance_user {
    /* The descriptor is readable: rf_dispatch_ready. */
    void (*ready)(void *instance);
    /* News, except printed lines. Only while the instance belongs to a runtime. */
    void (*news)(struct rf_instance *i, uint32_t news);
    /* The instance drains, and its last call has ended. */
    void (*idle)(struct rf_instance *i);
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
    resty_ffi_runtime *rt; /* NULL = it no longer belongs to a runtime */
    const struct rf_transport *transport;
    const struct rf_instance_user *user;
    void *watch;
    enum rf_instance_state state;
    uint32_t in_flight; /* calls that are not given up */
    uint32_t one_way;   /* those of them that nobody waits for */
    uint32_t owed;      /* calls sent minus answers received, including answers that no caller waits for */
    uint32_t held;      /* answers that a host has not released */
    uint32_t method_count;
    uint32_t generation;
    resty_ffi_options *options; /* a copy of the runtime's, for the threads of the transport; owned by the instance */
    uint64_t since;             /* of the state */
    uint64_t end_by;            /* CLOSING: the deadline for work that it has to finish */
    uint64_t patience;          /* CLOSING: until when the loop waits for it */
    uint64_t draining;          /* since when it only finishes its calls, 0 = it does not */
    bool failed;                /* libffi_init has failed */
    bool damaged;               /* the child wrote garbage */
    bool retired;               /* memory and descriptors are gone; only the struct is left for late callers */
    struct rf_slot *unsent;     /* frames that found the queue full and must not be lost */
    uint32_t unsent_count, unsent_size;
    uint32_t reserved; /* room of the list for calls in flight */
    struct rf_logged logged, failed_one_way;
    struct rf_watched *watched; /* files whose change reloads the runtime; see watched.c */
    _Atomic int refs;
    _Atomic uint32_t news;
    rf_lock lock; /* text, output */
    char text[RF_TEXT];
    struct rf_line *output; /* printed by the child, newest first; freed by the loop when logged */
    uint32_t output_count, output_lost;
    char name[128];
    /* thread transport */
    void *library;
    int (*init)(char *cfg, void *tq);
    void (*initialised)(struct rf_instance *i, int rc); /* gets what init has returned */
    struct rf_instance *next_turn;                      /* of those that wait for the library's thread */
    char *lib;
    char *cfg;
    /* process transport */
    struct rf_shared shared;
};

/* error: as that of a transport's start. */
struct rf_instance *rf_instance_new(resty_ffi_runtime *rt, const struct rf_transport *transport,
                                    const struct rf_instance_user *user, uint32_t generation, uint32_t delay_ms,
                                    const char **error);
/* Tells the runtime to end. */
void rf_instance_close(struct rf_instance *i);
/* Any thread. */
void rf_instance_unref(struct rf_instance *i);
void rf_instance_news(struct rf_instance *i, uint32_t news, const char *text, size_t len);
/* The text that came with the last news. */
void rf_instance_text(struct rf_instance *i, char *out, size_t size);
/* A host has released an answer. */
void rf_instance_released(struct rf_instance *i);
/* The runtime has ended: frees the instance once its answers are released. */
void rf_instance_gone(struct rf_instance *i);
/* Frees what it can of a closing instance whose runtime does not report its end. */
void rf_instance_retire(struct rf_instance *i);
/* Whether the runtime's threads have left the queue of a closing instance. */
bool rf_instance_left(struct rf_instance *i);
/* Retires every instance that can be; called now and then. */
void rf_instance_sweep(resty_ffi_loop *l);

/* How long the end of a runtime without work to finish may take, in ns. The SDKs give running handlers 1 s. */
#define RF_PATIENCE 1500000000u
/* Whether the runtime has work to finish that no call waits for. A child may claim it for any time. */
bool rf_instance_finishes(const struct rf_instance *i);
/* The log line for unfinished work. */
#define RF_UNFINISHED                                                                                                  \
    "its end took longer than it may (drain_timeout, and nginx's worker_shutdown_timeout): what it had not finished "  \
    "is "                                                                                                              \
    "lost"

#endif
