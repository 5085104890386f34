/*
 * A host that its caller drives: the caller waits on one descriptor, runs what is due, and fetches what is done. For
 * programs without an event loop to plug into (the C harness) or behind a language boundary (Node). Exported by
 * libresty_ffi.so; same threading rules as loop/host.h.
 */
#ifndef RF_PULL_H
#define RF_PULL_H

#include "../../loop/host.h"

typedef struct resty_ffi_pull resty_ffi_pull;

/* NULL: error (size bytes, may be 0) says why. */
resty_ffi_pull *resty_ffi_pull_new(char *error, size_t size);
resty_ffi_loop *resty_ffi_pull_loop(resty_ffi_pull *p);
/* Readable (level-triggered) while there is something to run. */
int resty_ffi_pull_fd(resty_ffi_pull *p);
/* Waits up to timeout_ms (0 = not, -1 = for ever) and runs what is due. Returns the calls that are done now. */
int resty_ffi_pull_run(resty_ffi_pull *p, int timeout_ms);
/* The next call that is done, oldest first; NULL = none. */
resty_ffi_call *resty_ffi_pull_done(resty_ffi_pull *p);
/*
 * A stream with events: *events is a set of enum resty_ffi_stream_event. NULL = none. Call until it returns NULL:
 * resty_ffi_pull_run does not wait while there is one.
 */
resty_ffi_call *resty_ffi_pull_stream(resty_ffi_pull *p, int *events);
/* A call or stream for this host, and its end. */
resty_ffi_call *resty_ffi_pull_call_new(resty_ffi_pull *p);
void resty_ffi_pull_call_free(resty_ffi_call *call);
/* The same as resty_ffi_pull_done for up to max calls at once. */
int resty_ffi_pull_done_n(resty_ffi_pull *p, resty_ffi_call **out, int max);
/* The next log line: its level, 0 = none. *text is valid until the next call of this function. */
int resty_ffi_pull_log(resty_ffi_pull *p, const char **text, size_t *len);
/* Ends all runtimes and frees everything. Waits up to timeout_ms for them. */
void resty_ffi_pull_close(resty_ffi_pull *p, int timeout_ms);

#endif
