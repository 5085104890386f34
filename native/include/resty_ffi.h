/*
 * resty_ffi.h: what a runtime sees of resty-ffi. The one public header.
 *
 * A runtime is a shared library. The host (nginx, Node, a test) loads it, calls its libffi_init once,
 * and from then on hands it calls through a queue. Two versions of the interface work side by side:
 *
 *   version 1   three functions, one task at a time; the names of lua-resty-ffi, kept for ever.
 *   version 2   batches of frames; what the SDKs use.
 *
 * Everything here may be called from any thread, unless it says otherwise. No function throws, exits or calls back.
 * The functions are exported by the host's libresty_ffi.so: leave them undefined when linking a runtime.
 *
 * A complete runtime in version 2, an echo on a thread of its own:
 *
 *     static void *serve(void *q) {
 *         resty_ffi_frame f[64];
 *         int n;
 *         while ((n = resty_ffi_poll(q, f, 64, -1)) > 0) {
 *             int replies = 0;
 *             for (int i = 0; i < n; i++) {
 *                 if (f[i].kind != RESTY_FFI_CALL) { resty_ffi_free(q, f[i].data); continue; }
 *                 f[i].kind = RESTY_FFI_DATA;              // the request's payload moves into the reply
 *                 f[i].flags = RESTY_FFI_END | (f[i].flags & RESTY_FFI_NIL);
 *                 f[i].status = 0;
 *                 f[i].release = NULL;
 *                 f[replies++] = f[i];
 *             }
 *             resty_ffi_send(q, f, replies);
 *         }
 *         resty_ffi_close(q);
 *         return NULL;
 *     }
 *     int libffi_init(char *cfg, void *q) {
 *         pthread_t t;
 *         return pthread_create(&t, NULL, serve, q) || pthread_detach(t);
 *     }
 *
 * Licensed under the Apache License, Version 2.0.
 */
#ifndef RESTY_FFI_H
#define RESTY_FFI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What a runtime exports: one of these two ------------------------------------------------------------------- */

/*
 * Starts the runtime: set up, start the threads that poll, return. 0 = ok; anything else fails the load with that code
 * (and with the text given to resty_ffi_fail, if any). cfg is the configuration string, NULL if none; it is gone when
 * libffi_init returns. tq is the queue: version 2 casts it to resty_ffi_queue *.
 * Called once per key, on a thread of the host's that blocks no signal which the host handles, so that programs which
 * the runtime starts are born with none blocked; the host's handlers run on its main thread all the same. All calls for
 * one library are made on the same thread, one after the other; it lives as long as the process. Only when a call has
 * been given up (it took longer than the load may take), the next ones are made on another thread. What the library
 * gave to atexit runs when the host ends, for a bounded time; its destructors do not, since its threads may be running.
 */
int libffi_init(char *cfg, void *tq);

/*
 * Exported beside libffi_init, if it likes, by a library whose language has a main thread. In a process of its own
 * libffi_init runs on the main thread, and then libffi_main: it may serve there until the runtime ends, and returns
 * then. It is not called in the host's process.
 */
void libffi_main(void *tq);

/*
 * Exported instead of libffi_init by a library whose runtime is a program of its own (libffi_nodejs.so is one): it
 * writes the command line, each argument ended by a NUL, into out (size bytes) and returns the bytes written. A
 * negative return fails the load, and out holds the reason as a C string. The program calls resty_ffi_attach.
 */
int libffi_argv(const char *cfg, char *out, int size);

/* ---- Version 2: batches of frames ---------------------------------------------------------------------------------
 */

#define RESTY_FFI_ABI 2

/* One runtime's queue; in a child process, that child's end of it. Owned by the host, valid until resty_ffi_close. */
typedef struct resty_ffi_queue resty_ffi_queue;

enum resty_ffi_kind {
    RESTY_FFI_CALL = 1, /* to the runtime: a new call. arg 0: a plain one, complete with its payload (END is set). Else
                           a stream; arg is its window in bytes, the payload its first message (NIL = none yet).      */
    RESTY_FFI_DATA = 2, /* both ways: one message of a call. With END the last, which may have no payload (NIL); from
                           the runtime END has the status.                                                           */
    RESTY_FFI_CANCEL = 3, /* to the runtime: nobody waits for this call any more. It is still owed its END.
                             status says why: TIMEOUT or CANCELLED. */
    RESTY_FFI_WINDOW = 4, /* both ways: arg more bytes of this stream are welcome. */
    RESTY_FFI_LOG = 5,  /* from the runtime: a line for the host's log; status is the level, data the text, id 0.    */
    RESTY_FFI_DICT = 6, /* from the runtime: a request to the host's shared dict; back: its answer, with the same id. */
    RESTY_FFI_WATCH = 7, /* from the runtime: data is the path of a file that its code comes from, id 0. With opts.watch
                            the host reloads the runtime when the file changes. */
};

/*
 * Flow control of streams, the same in both directions. Each side starts with a window of CALL.arg bytes. Whoever sends
 * a message takes resty_ffi_cost(len) from its window and may do so while the window is above 0 (so that one message of
 * any size always passes); then it waits for WINDOW. Whoever has consumed messages gives their cost back with a WINDOW
 * frame: not for each message, best when half of the window is due. The first message of a CALL costs nothing.
 * A runtime that sends without a window has its stream ended.
 *
 * The frames of a stream come in order: a runtime that serves streams polls with one thread, or keeps their order.
 */
#define RESTY_FFI_STREAM_WINDOW 262144
/* What the smallest message takes from the window. */
#define RESTY_FFI_LEAST_COST 256

/* What a message of len bytes takes from the window. */
static inline uint64_t resty_ffi_cost(uint64_t len)
{
    return len < RESTY_FFI_LEAST_COST ? RESTY_FFI_LEAST_COST : len;
}

enum resty_ffi_flag {
    RESTY_FFI_END = 1,  /* nothing follows in this direction */
    RESTY_FFI_NIL = 2,  /* no payload at all (Lua's nil), as opposed to an empty one */
    RESTY_FFI_COPY = 4, /* to resty_ffi_send: data is the caller's own memory; it is copied before the call returns */
};

/* The host's own codes, the same in every host and SDK. A runtime's codes are its business; positive ones never clash.
 */
enum resty_ffi_status {
    RESTY_FFI_OK = 0,
    RESTY_FFI_TIMEOUT = -1,    /* no answer before the deadline */
    RESTY_FFI_CANCELLED = -2,  /* the caller went away, or the handler gave up because it was told so */
    RESTY_FFI_QUEUE_FULL = -3, /* max_queue calls are waiting already, or the payload memory is used up */
    RESTY_FFI_TOO_LARGE = -4,  /* a payload above the limit */
    RESTY_FFI_NO_METHOD = -5,  /* the runtime serves no method of this name */
    RESTY_FFI_THREW = -6,      /* the handler threw, panicked, or failed without a code of its own */
    RESTY_FFI_EXITED = -7,     /* the runtime's process ended */
    RESTY_FFI_UNLOADED = -8,   /* the runtime has been unloaded */
    RESTY_FFI_BAD_PHASE = -9,  /* called where the host cannot wait */
    RESTY_FFI_BAD_ARGUMENT = -10,
};

/* Levels of RESTY_FFI_LOG: nginx's numbers. */
enum resty_ffi_level {
    RESTY_FFI_LOG_EMERG = 1,
    RESTY_FFI_LOG_ALERT = 2,
    RESTY_FFI_LOG_CRIT = 3,
    RESTY_FFI_LOG_ERR = 4,
    RESTY_FFI_LOG_WARN = 5,
    RESTY_FFI_LOG_NOTICE = 6,
    RESTY_FFI_LOG_INFO = 7,
    RESTY_FFI_LOG_DEBUG = 8,
};

/*
 * Operations of RESTY_FFI_DICT, in the field method. Payload of the request: the name of the shared dict (zone bytes; 0
 * = the first that this runtime may use), the key (arg bytes), then the value. SET, ADD: value as bytes, deadline =
 * time to live in ms, 0 = for ever; ADD stores only if the key is missing, and answers NIL if it was there. INCR: value
 * is a decimal number, a missing key counts from 0 and lives for deadline ms. The answer has status 0 and the value
 * (GET, INCR; NIL for a missing key) or a status and a text.
 */
enum resty_ffi_dict_op {
    RESTY_FFI_DICT_GET = 1,
    RESTY_FFI_DICT_SET = 2,
    RESTY_FFI_DICT_INCR = 3,
    RESTY_FFI_DICT_DELETE = 4,
    RESTY_FFI_DICT_ADD = 5,
};

/* The largest payload, in bytes. */
#define RESTY_FFI_MAX_PAYLOAD 134217728

/* 64 bytes on every architecture. Set fields that are not mentioned for a kind to 0. */
typedef struct resty_ffi_frame {
    uint64_t id;       /* the call; for DICT a number of the runtime's own choice */
    uint16_t kind;     /* enum resty_ffi_kind */
    uint16_t flags;    /* enum resty_ffi_flag */
    int32_t status;    /* DATA|END from the runtime: 0 or an error code; LOG: the level; DICT answer: 0 or a code */
    void *data;        /* the payload; may be NULL if len is 0 */
    uint64_t len;      /* its length in bytes */
    uint64_t deadline; /* CALL: CLOCK_MONOTONIC in ns, 0 = none; DICT: time to live in ms */
    uint32_t method;   /* CALL: number of the method, see resty_ffi_method; DICT: enum resty_ffi_dict_op */
    uint32_t zone;     /* DICT: length of the shared dict's name */
    uint64_t arg;      /* CALL: the window of a stream, 0 = plain; WINDOW: bytes; DICT: length of the key */
    void *release;     /* to resty_ffi_send: a polled payload to free along with this frame, or NULL */
} resty_ffi_frame;

/*
 * Takes up to max frames. timeout_ms: 0 = do not wait, -1 = wait for ever, else milliseconds. Returns how many were
 * taken; 0 = none in time; RESTY_FFI_UNLOADED = the runtime is to end: cancel what still runs, end the threads, call
 * resty_ffi_close. (Calls that wait are handed out before that.)
 * The payload of each frame is the caller's from here on: it frees it (resty_ffi_free), moves it into a reply (data),
 * or lets resty_ffi_send free it (release).
 * When it returns 0 with timeout_ms 0, the descriptor of resty_ffi_fd will become readable with the next frame.
 */
int resty_ffi_poll(resty_ffi_queue *q, resty_ffi_frame *out, int max, int timeout_ms);

/*
 * Sends n frames, in order. Every CALL is owed exactly one DATA|END, cancelled or not; a second one is dropped and
 * logged. Takes all payloads in every case. Returns n, or RESTY_FFI_UNLOADED after resty_ffi_close.
 * A payload that is neither COPY nor from this queue's memory, or too large, becomes an error of that call: of a stream
 * the end that the host sees, while its handler is cancelled and still owes its END.
 */
int resty_ffi_send(resty_ffi_queue *q, const resty_ffi_frame *in, int n);

/*
 * A descriptor that becomes readable when frames wait, for epoll, libuv, asyncio, tokio, Go's netpoller. Call
 * resty_ffi_poll(…, 0) until it returns 0, only then wait for the descriptor. Never read it, never close it.
 * level 0: for edge-triggered waiting (epoll with EPOLLET). level 1: for level-triggered waiting; resty_ffi_poll then
 * resets the descriptor, one system call for each wake-up. The same descriptor each time.
 */
int resty_ffi_fd(resty_ffi_queue *q, int level);

/*
 * Payload memory: comes from a pool, goes with a frame, is freed by whoever has it at the end. At least len bytes,
 * 64-byte aligned, not cleared. NULL if len is above the payload limit or the pool is used up. len 0 is fine.
 */
void *resty_ffi_alloc(resty_ffi_queue *q, size_t len);
/* The same for n frames at once: sets data from len; where that fails, data is NULL. Returns how many it could serve.
 */
int resty_ffi_alloc_n(resty_ffi_queue *q, resty_ffi_frame *f, int n);
/* Frees a payload; NULL is fine; a pointer that is not one is refused and logged. */
void resty_ffi_free(resty_ffi_queue *q, void *data);

/* All payload memory as one range (base, *len bytes): for languages that view it whole, such as Node. */
void *resty_ffi_memory(resty_ffi_queue *q, size_t *len);

/*
 * The name of a method, by the number in a CALL frame. Numbers are small, dense, and fixed for the life of the queue:
 * look a name up once and keep the handler in an array. The name is NUL-terminated, valid until resty_ffi_close, NULL
 * for a number that no call has used.
 */
const char *resty_ffi_method(resty_ffi_queue *q, uint32_t method, size_t *len);

/* The configuration string (NULL = none) and the runtime's name, for messages. Valid until resty_ffi_close. */
const char *resty_ffi_config(resty_ffi_queue *q, size_t *len);
const char *resty_ffi_name(resty_ffi_queue *q);

/*
 * A setting by name: what the options of ngx.load_ffi say beside the configuration, for loaders ("venv", "java_home",
 * "node"). NULL if it was not given. NUL-terminated, valid until resty_ffi_close.
 */
const char *resty_ffi_setting(resty_ffi_queue *q, const char *name);
/* All of them: name\0value\0…\0, NULL = none. */
const char *resty_ffi_settings(resty_ffi_queue *q);

/*
 * 0 for the first start of a runtime; n for its n-th reload, where a loader loads its user's code again. The host calls
 * libffi_init again in the same process, with a new queue, only in a library that exports libffi_reload (of any type);
 * it serves the old queue until its calls are done. It reloads other libraries into a new child process.
 */
uint32_t resty_ffi_generation(resty_ffi_queue *q);

/* During libffi_init (or before resty_ffi_ready): why it fails. Then return non-zero, or exit. The text is copied. */
void resty_ffi_fail(resty_ffi_queue *q, const char *text, size_t len);

/*
 * For a runtime that has work which no call waits for: once resty_ffi_poll has said that it is to end, and its calls
 * are done, busy 1 begins to finish that work. Returns how many ms it has; 0 = none, it is not to end, or has ended.
 * The host waits that long instead of the second or so that every runtime has. busy 0: it is done; resty_ffi_close
 * follows.
 */
int resty_ffi_finish(resty_ffi_queue *q, int busy);

/* The last call of a runtime, once its threads are done with the queue. The host may then unload the library. */
void resty_ffi_close(resty_ffi_queue *q);

/* For a program that libffi_argv named: its queue, or NULL and a reason in *error when no host started it. */
resty_ffi_queue *resty_ffi_attach(const char **error);
/* For such a program: set up is done, calls may come. */
void resty_ffi_ready(resty_ffi_queue *q);

/* The version of the interface that this host implements: RESTY_FFI_ABI. */
int resty_ffi_abi(void);

/* ---- Version 1: lua-resty-ffi's functions -------------------------------------------------------------------------
 */

/* Waits for a task; NULL = the runtime is unloaded: end this thread and touch the queue no more. */
void *ngx_http_lua_ffi_task_poll(void *tq);

/* The request; it lives until the task is answered. NULL and 0 for a nil request. len may be NULL. */
char *ngx_http_lua_ffi_get_req(void *tsk, int *len);

/*
 * Answers a task, once. rc 0 = ok. rsp comes from malloc and is ours from here on; NULL = no answer (nil). rsp_len is
 * its length in bytes; 0 means that rsp is a C string, which is read up to its NUL and no further than its block. So an
 * empty answer is strdup(""). A negative length, a second answer, an answer after the unload: refused, with a line in
 * the log; rsp is freed even then.
 */
void ngx_http_lua_ffi_respond(void *tsk, int rc, char *rsp, int rsp_len);

#ifdef __cplusplus
}
#endif

#endif
