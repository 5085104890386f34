/* The core's own view of loops, runtimes and their instances. */
#ifndef RF_LOOP_H
#define RF_LOOP_H

#include "host.h"
#include "../channel/lock.h"
#include "../queue/queue.h"
#include "search.h"

#define RF_TEXT 1024

struct rf_instance;

/* A host's call. Owned by the host; the loop's table points to it. */
struct rf_call {
    resty_ffi_call public;
    resty_ffi_loop *loop;
    struct rf_instance *instance; /* where it is in flight, or whose memory holds the answer */
    uint32_t index, generation;
    uint64_t block;          /* the answer's payload, 0 = none */
    char *text;              /* the answer, when it is a message of the core's own; malloc'ed */
    uint64_t sent, deadline; /* when, in ns; no deadline is 0 */
    uint32_t method;
    struct rf_stream *stream; /* NULL = a plain call; owned by the call while it is in flight or done */
    bool one_way;             /* the core's own: nobody waits for the answer */
};

struct rf_message {
    uint64_t block, len;
    bool nil;
};

/* A stream's state beside its call. Freed when the call is cancelled or released. */
struct rf_stream {
    int64_t window;              /* what we may send */
    int64_t granted;             /* what the runtime may send */
    uint64_t due;                /* consumed since the last WINDOW frame */
    struct rf_message *messages; /* ring of those that the host has not taken yet */
    uint32_t size, head, count;
    struct rf_message current; /* what call.data points to */
    bool closed;               /* we have sent END */
    bool refused;              /* the host waits for a window */
    struct rf_message last;    /* with the end: the message that goes with the status */
    int32_t status;
};

struct resty_ffi_loop {
    struct resty_ffi_host host;
    struct rf_call **calls;
    uint32_t calls_size, calls_used;
    uint32_t *free_calls, free_count;
    uint32_t in_flight, one_way;      /* calls; those of them that nobody waits for */
    resty_ffi_runtime *runtimes;      /* loaded or loading, found by key */
    struct rf_instance *instances;    /* all, also those that end */
    struct rf_supervisor *supervisor; /* NULL until the first child process */
    uint64_t now;                     /* when the present batch of frames was fetched */
    uint64_t complained;              /* when a stray answer was last logged */
    uint32_t unsent;                  /* frames of all instances that wait for room */
    uint64_t looked;                  /* when files were last looked at */
    bool closed;
    uint64_t end_by;   /* of one that is closed: when everything shall have ended */
    char why[RF_TEXT]; /* room for the reason why an instance cannot be started, until the next one is */
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
    resty_ffi_options options;      /* complete */
    resty_ffi_options *own_options; /* the memory behind the strings of options */
    enum rf_runtime_state state;
    uint64_t since; /* when it was loaded first */
    bool timed_out; /* and failed because that took too long */
    bool process;
    uint32_t handles;             /* that hosts hold: one for each load */
    struct rf_instance **workers; /* options.workers of them */
    uint32_t worker_count;
    struct rf_instance **incoming; /* during a reload: those that are to take their places; NULL entries failed */
    uint32_t incoming_count;
    uint32_t generation; /* of the workers */
    uint64_t reloading;  /* since when, 0 = it does not */
    int32_t reloaded;    /* how the last reload went: 1, 0 = under way, -1 = failed, reload_error says why */
    char **methods;      /* names by number */
    resty_ffi_method_stats *method_stats;
    uint32_t method_count, method_size;
    uint32_t *method_index; /* hash table of numbers + 1, twice method_size */
    uint32_t drops;         /* unanswered failures in a row, for the back-off */
    uint32_t missing;       /* workers that could not even be started again */
    uint64_t retry;         /* when to try that next */
    resty_ffi_stats stats;
    void *user;
    char name[128];
    char error[RF_TEXT];
    char reload_error[RF_TEXT];
    char explained[RF_TEXT + 256];
};

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

/* Lines of one second, for the limit. */
struct rf_logged {
    uint64_t second;
    uint32_t lines, dropped;
};

struct rf_line {
    struct rf_line *next;
    int level;
    size_t len;
    char text[];
};

struct rf_transport {
    /* Begins to start; news follow. NULL or an error text, which may be in the loop's why. */
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
    uint32_t in_flight; /* calls that are not given up */
    uint32_t one_way;   /* those of them that nobody waits for */
    uint32_t owed;      /* calls sent minus answers that came, so also those nobody waits for */
    uint32_t held;      /* answers that a host has not released */
    uint32_t method_count;
    uint32_t generation;
    resty_ffi_options *options; /* a copy of the runtime's, for the threads of the transport; owned by the instance */
    uint64_t since;             /* of the state */
    uint64_t end_by;            /* CLOSING: when it shall have ended, with what it has to finish */
    uint64_t patience;          /* CLOSING: until when it is waited for */
    uint64_t draining;          /* since when it only finishes its calls, 0 = it does not */
    bool incoming;              /* it is to replace a worker when all of its kind are ready */
    bool failed;                /* libffi_init did */
    bool damaged;               /* the child wrote garbage */
    bool retired;               /* memory and descriptors are gone; only the struct is left for late callers */
    struct rf_slot *unsent;     /* frames that found the queue full and must not be lost */
    uint32_t unsent_count, unsent_size;
    struct rf_logged logged, failed_one_way;
    struct rf_watched *watched; /* files whose change reloads the runtime; see watch.c */
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
    struct rf_instance *next_turn; /* of those that wait for the library's thread */
    char *lib;
    char *cfg;
    /* process transport */
    struct rf_shared shared;
};

extern const struct rf_transport rf_thread_transport, rf_process_transport;
/* Whether libffi_init of this instance's library may be called again for new code. Of an instance that is ready. */
bool rf_thread_reloads(const struct rf_instance *i);

/* instance.c. error: as that of a transport's start. */
struct rf_instance *rf_instance_new(resty_ffi_runtime *rt, const struct rf_transport *transport, uint32_t generation,
                                    uint32_t delay_ms, const char **error);
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

/* How long a runtime may take to end that has nothing to finish, in ns. The SDKs give running handlers 1 s. */
#define RF_PATIENCE 1500000000u
/* It has work to finish that no call waits for; a child says so as long as it likes. */
bool rf_instance_finishes(const struct rf_instance *i);
/* Says that it had not finished that in its time. */
#define RF_UNFINISHED                                                                                                  \
    "its end took longer than it may (drain_timeout, and nginx's worker_shutdown_timeout): what it had not finished "  \
    "is "                                                                                                              \
    "lost"

/* options.c: a copy, with its strings in the same piece of memory. NULL = none left. */
resty_ffi_options *rf_options_copy(const resty_ffi_options *o);
/* From what is given to what holds: defaults are filled in, flags are 0 and 1. The options of runtimes are such. */
void rf_options_complete(resty_ffi_options *o);
/* Whether something is given that a runtime with these options does not have; text names the first. */
bool rf_options_differ(const resty_ffi_options *have, const resty_ffi_options *given, char *text, size_t size);
/* Bytes of a list such as name\0name\0…\0, with its last NUL. */
size_t rf_list_size(const char *list);

/* runtime.c: what the news of an instance mean for its runtime. */
void rf_runtime_news(resty_ffi_runtime *rt, struct rf_instance *i, uint32_t news);
/* Its calls are done; it ends. */
void rf_instance_drained(struct rf_instance *i);
/* It takes no new calls; it ends when those in flight are done, or at the latest after a time. */
void rf_instance_drain(struct rf_instance *i);
/* Starts workers that could not be started again when they had exited. */
void rf_runtime_refill(resty_ffi_runtime *rt);

/* Frees a runtime that has ended and that no host holds. */
void rf_runtime_settle(resty_ffi_runtime *rt);
/* A line about the runtime, by the core itself. */
void rf_runtime_log(resty_ffi_runtime *rt, int level, const char *text);
/* Waits for news of these instances, up to timeout_ms. */
void rf_instances_wait(struct rf_instance **list, uint32_t count, int timeout_ms);

/* reload.c: what the news of an incoming instance mean. */
void rf_reload_news(resty_ffi_runtime *rt, struct rf_instance *i, uint32_t news, const char *text);
/* Drops the incoming ones. */
void rf_reload_fail(resty_ffi_runtime *rt, const char *text);

/* control.c: a frame that must arrive: it waits for room if the queue is full. Takes its payload in every case. */
void rf_send_control(struct rf_instance *i, const struct rf_slot *s);
void rf_flush_control(struct rf_instance *i);
void rf_drop_control(struct rf_instance *i);

/* logging.c: what a runtime logs, within limits; and what its process prints. */
void rf_log_frame(struct rf_instance *i, const struct rf_slot *s);
void rf_log_output(struct rf_instance *i);
/* A line about a one-way call that failed. */
void rf_log_one_way(struct rf_instance *i, const char *text, size_t len);
void rf_output_add(struct rf_instance *i, int level, const char *text, size_t len);
void rf_output_free(struct rf_instance *i);

/* stream.c */
void rf_stream_message(struct rf_instance *i, struct rf_call *c, const struct rf_slot *s);
void rf_stream_window(struct rf_instance *i, const struct rf_slot *s);
void rf_stream_ended(struct rf_call *c, int status, const char *text);
void rf_stream_free(struct rf_call *c);

/* watch.c */
void rf_watch_file(struct rf_instance *i, const char *path, size_t len);
void rf_watch_free(struct rf_instance *i);
bool rf_watch_look(resty_ffi_loop *l);

/* methods.c */
void rf_methods_free(resty_ffi_runtime *rt);

/* call.c */
uint64_t rf_call_id(const struct rf_call *c);
/* The call in flight at i that has this id; NULL = none, whatever the number. */
struct rf_call *rf_call_find(struct rf_instance *i, uint64_t id);
/* Sends a CALL frame and puts the call in flight; the same for plain calls and streams. 0 or a code. */
int rf_call_start(resty_ffi_runtime *rt, struct rf_call *c, struct rf_slot *s, const char *data, uint64_t len,
                  uint64_t timeout_ms);
/* Copies a payload into the queue's memory, for s. False = none is left. */
bool rf_call_payload(struct rf_instance *i, struct rf_slot *s, const char *data, uint64_t len);
/* Tells the handler that nobody waits any more. */
void rf_call_tell_cancelled(struct rf_call *c, int status);
/* It ends, with this status: the counts. */
void rf_call_count(struct rf_call *c, int status, uint64_t len);
/* Its caller does not wait any more: it leaves its instance. */
void rf_call_leave(struct rf_call *c);
void rf_call_answer(struct rf_instance *i, const struct rf_slot *s);
/* A plain call ends with an error of the core's own. */
void rf_call_fail(struct rf_call *c, int status, const char *text);
void rf_calls_fail(struct rf_instance *i, int status, const char *text);

/* deadlines.c: of streams, which may have nobody who waits and looks at the clock, and of one-way calls. True while one
   is ahead. */
bool rf_deadlines_look(resty_ffi_loop *l, uint64_t now);

/* one_way.c: tells how a one-way call failed, whose text is in it; one is over, and was at i; one has reached its
   deadline. */
void rf_one_way_tell(struct rf_call *c, int status);
void rf_one_way_end(struct rf_instance *i, struct rf_call *c);
void rf_one_way_late(struct rf_call *c);
/* All that are not answered yet fail. */
void rf_one_way_give_up(resty_ffi_loop *l);

/* transport/process/supervisor.c */
void rf_supervisor_stop(struct rf_supervisor *s, int timeout_ms);

#endif
