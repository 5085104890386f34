/*
 * The loop: one for each event loop of the host. Its struct is for files of this folder and for transports, its
 * function for the end of the loop.
 */
#ifndef RF_LOOP_H
#define RF_LOOP_H

#include "host.h"

#define RF_TEXT 1024

struct rf_call;
struct rf_instance;
struct rf_supervisor;

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

/* Ends what is late of those calls whose deadline the core keeps. True while one is ahead. */
bool rf_loop_deadlines(resty_ffi_loop *l, uint64_t now);

#endif
