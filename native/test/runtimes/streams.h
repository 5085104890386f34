/* The streams of the runtime in methods.c: a thread for each. */
#ifndef RF_TEST_STREAMS_H
#define RF_TEST_STREAMS_H

#include <stdbool.h>

#include "resty_ffi.h"

struct streams;

struct streams *streams_new(resty_ffi_queue *q);
/* Serves a CALL with a window; false: there is no stream of this name. */
bool streams_open(struct streams *all, const resty_ffi_frame *call, const char *name);
/* DATA, WINDOW and CANCEL of a stream. Takes the payload; ignores those of streams that are over. */
void streams_frame(struct streams *all, const resty_ffi_frame *f);
/* How many are open, and how many were cancelled before their end. */
unsigned streams_running(struct streams *all);
unsigned streams_cancelled(struct streams *all);
/* Cancels all, waits for them, frees. */
void streams_free(struct streams *all);

#endif
