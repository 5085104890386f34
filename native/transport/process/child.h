/* What a child process finds when it starts: the agreement between supervisor, resty-ffi-run and resty_ffi_attach. */
#ifndef RF_CHILD_H
#define RF_CHILD_H

/* Descriptors. */
#define RF_FD_MEMORY 3 /* the memfd, if there is one */
#define RF_FD_TO_RUNTIME 4
#define RF_FD_TO_HOST 5
#define RF_FD_CONTROL 6
#define RF_FD_FIRST_FREE 7

/* Environment: the size of the queue, with ":NUMBER" if its memory is a System V segment; and the path of
   libresty_ffi.so. */
#define RF_ENV_QUEUE "RESTY_FFI_QUEUE"
#define RF_ENV_LIB "RESTY_FFI_LIB"

/* Messages on the control socket (SOCK_SEQPACKET), child to host: one of these bytes, then a text. */
#define RF_SAY_READY 'R'
#define RF_SAY_FAILED 'F'
#define RF_SAY_UNOPENED 'U' /* it failed because dlopen did; the text is dlerror's */
#define RF_SAY_EXITED 'X'

#define RF_SAY_MAX 1024

struct resty_ffi_queue;

/*
 * For resty-ffi-run: waits until the host has closed the queue and the runtime has left it. A runtime of version 1
 * cannot report that, so it gets a moment for its answers.
 */
void resty_ffi_child_left(struct resty_ffi_queue *q);

#endif
