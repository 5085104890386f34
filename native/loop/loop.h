/*
 * One loop for each event loop of a host. Files of this folder and transports use the struct, the end of the loop uses
 * the function.
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
    uint64_t end_by;   /* of a closed loop: the deadline for all ends */
    char why[RF_TEXT]; /* why the last instance could not be started; the next start overwrites it */
};

/* Ends late calls whose deadline the core keeps. True while a deadline is ahead. */
bool rf_loop_deadlines(resty_ffi_loop *l, uint64_t now);

#endif
