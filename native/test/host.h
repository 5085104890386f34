/* The host that the tests of whole runtimes use: the pull host, with its log kept. */
#ifndef RF_TEST_HOST_H
#define RF_TEST_HOST_H

#include "../host/pull/pull.h"
#include "resty_ffi.h"

struct host {
    resty_ffi_pull *pull;
    resty_ffi_loop *loop;
    char error[2048];         /* of the last load that failed */
    resty_ffi_runtime **held; /* what was loaded and not released, once for each load */
    int held_count;
    char *log; /* one "LEVEL text" a line */
    size_t log_len, log_size;
};

extern const resty_ffi_options host_thread, host_process; /* restart is on */

void host_open(struct host *h);
/* Ends all runtimes, within timeout_ms, and releases them. */
void host_close_within(struct host *h, int timeout_ms);
/* The same with two seconds. */
void host_close(struct host *h);

/* Waits until it serves; NULL = it failed, see h->error. Without a message of its own where the test goes on. */
resty_ffi_runtime *host_try(struct host *h, const char *lib, const char *cfg, const resty_ffi_options *o);
/* The same, but the test fails if the load does. */
resty_ffi_runtime *host_load(struct host *h, const char *lib, const char *cfg, const resty_ffi_options *o);
/* Gives back one load; host_close does it for the rest. */
void host_release(struct host *h, resty_ffi_runtime *rt);
/* Unloads and releases. */
void host_unload(struct host *h, resty_ffi_runtime *rt);

/* Where the build has put lib<name>.so; a copy of a file. */
void host_library(const char *name, char *out, size_t size);
void host_copy(const char *from, const char *to);

/* Runs the loop once, waiting up to timeout_ms, and gathers the log. */
void host_run(struct host *h, int timeout_ms);
/* Runs the loop for that long. */
void host_rest(struct host *h, int ms);
/* Whether the log has this text by now. */
bool host_logged(struct host *h, const char *text);

/* Submits by method name; the return value is that of resty_ffi_call_submit. text NULL = nil. */
int host_submit(resty_ffi_runtime *rt, resty_ffi_call *call, const char *method, const char *text);
/* Runs the loop until the call is done; the test fails if that takes longer. */
void host_wait(struct host *h, resty_ffi_call *call, int timeout_ms);
/* Submit and wait: call->status, or what submit returned. */
int host_call(struct host *h, resty_ffi_runtime *rt, resty_ffi_call *call, const char *method, const char *text);
/* The answer as a string. Valid until the next use of this function by this thread. */
const char *host_answer(const resty_ffi_call *call);
/* Calls, expects status 0 and this answer. */
void host_expect(struct host *h, resty_ffi_runtime *rt, const char *method, const char *text, const char *answer);

#endif
