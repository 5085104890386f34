/* What plain calls, streams and one-way calls have in common. For files of this folder. */
#ifndef RF_CALL_H
#define RF_CALL_H

#include "loop.h"

struct rf_instance;
struct rf_slot;

struct rf_call;

/* What differs between plain calls, one-way calls and streams. */
struct rf_call_kind {
    /* Takes a DATA frame of a call that is in flight at i. */
    void (*message)(struct rf_instance *i, struct rf_call *c, const struct rf_slot *s);
    /* Ends a call in flight with an error of the core's own. */
    void (*ended)(struct rf_call *c, int status, const char *text);
    /* The call is DONE and has left i: notifies the caller. Not for streams. */
    void (*done)(struct rf_instance *i, struct rf_call *c);
    /*
     * The call ends with an error, whose text is in the call; it is still at its instance. NULL = the caller sees the
     * error.
     */
    void (*failed)(struct rf_call *c, int status);
    /* The deadline has passed. NULL = the caller watches the clock. */
    void (*late)(struct rf_call *c);
    /* Frees what the kind keeps beside the call, which is still at its instance. NULL = nothing. */
    void (*free)(struct rf_call *c);
    uint32_t control; /* how many control frames of one call may wait for room at a time */
    bool unawaited;   /* no caller waits: the core owns the call */
};

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
    const struct rf_call_kind *kind; /* NULL = never in flight so far */
    void *beside;                    /* the kind's own, from when it is in flight until it is released */
};

static inline struct rf_call *rf_call_of(resty_ffi_call *call)
{
    return (struct rf_call *)call;
}

uint64_t rf_call_id(const struct rf_call *c);
/* The call in flight at i with this id; NULL = none. Any id is safe. */
struct rf_call *rf_call_find(struct rf_instance *i, uint64_t id);
/* Sends a CALL frame and puts the call in flight, as one of this kind. 0 or a code. */
int rf_call_start(resty_ffi_runtime *rt, struct rf_call *c, const struct rf_call_kind *kind, struct rf_slot *s,
                  const char *data, uint64_t len, uint64_t timeout_ms);
/* Copies a payload into the queue's memory, for s. False = no memory is left. */
bool rf_call_payload(struct rf_instance *i, struct rf_slot *s, const char *data, uint64_t len);
/* Tells the handler that the caller no longer waits. */
void rf_call_tell_cancelled(struct rf_call *c, int status);
/* Counts the end of a call with this status. */
void rf_call_count(struct rf_call *c, int status, uint64_t len);
/* The call leaves its instance. */
void rf_call_leave(struct rf_call *c);
/* Takes a DATA frame. */
void rf_call_message(struct rf_instance *i, const struct rf_slot *s);
/* message and ended of kinds whose calls have one answer. */
void rf_call_answer(struct rf_instance *i, struct rf_call *c, const struct rf_slot *s);
void rf_call_fail(struct rf_call *c, int status, const char *text);
/* Ends all calls in flight at i. */
void rf_call_fail_all(struct rf_instance *i, int status, const char *text);

#endif
