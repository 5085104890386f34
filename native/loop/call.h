/* Calls, whatever becomes of them: a plain call, a stream, a one-way call. For files of this folder. */
#ifndef RF_CALL_H
#define RF_CALL_H

#include "loop.h"

struct rf_instance;
struct rf_slot;

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

#endif
