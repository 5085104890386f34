/*
 * One thread for each loop that has child processes: starts the children, listens to them, and makes sure that they
 * end. It restarts nothing by itself. It has to be a separate thread: a child is killed when the thread that started it
 * ends, which is why no child outlives the host; and a start takes longer than an event loop may block. The structs are
 * for files of this folder.
 */
#ifndef RF_SUPERVISOR_H
#define RF_SUPERVISOR_H

#include <sys/types.h>

#include "../../channel/lock.h"
#include "../../loop/instance.h"
#include "../../loop/transport.h"
#include "output.h"

enum rf_child_state { RF_CHILD_WAITING, RF_CHILD_STARTING, RF_CHILD_RUNNING, RF_CHILD_ENDING, RF_CHILD_REAPING };

#define RF_LAST_WORDS 400

/* Owned by the supervisor's list; holds a reference to its instance until it is removed. */
struct rf_child {
    struct rf_instance *instance;
    struct rf_child *next;
    enum rf_child_state state;
    uint64_t at;                   /* WAITING: when to start; STARTING: when to lose patience; ENDING: when to look */
    uint64_t patience;             /* ENDING: when to lose it */
    int control;                   /* our end of the socket pair, -1 = none */
    struct rf_output output[2];    /* stdout, stderr */
    pid_t runner;                  /* resty-ffi-run; the runtime is its child */
    int status;                    /* how the runner ended, as waitpid tells; -1 = not known */
    bool ready;                    /* it has been ready */
    bool end;                      /* the loop wants it to end */
    bool told;                     /* that it failed or exited */
    char words[RF_LAST_WORDS + 1]; /* the end of what it printed before it was ready */
    size_t words_len;
};

struct rf_supervisor {
    rf_lock lock; /* children, stop */
    struct rf_child *children;
    int doorbell;             /* eventfd; -1 never */
    uint64_t stop;            /* when to kill what is left; 0 = do not stop */
    _Atomic uint32_t running; /* futex: the thread */
};

extern const struct rf_transport rf_supervisor_transport;

#endif
