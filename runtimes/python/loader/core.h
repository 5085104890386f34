/*
 * The C part of the loader runs for every call: it takes frames from the queue, calls handlers, and sends their
 * answers. The only Python code that runs for a call is the author's. Python sees this part as the built-in module
 * _resty_ffi (src/_resty_ffi.pyi).
 *
 * This header has the data. Each C file has a header with its functions and includes the headers of the files that it
 * calls; there are no circles (lint/circles.py).
 *
 * Every function needs the GIL, which also guards the fields.
 */
#ifndef RESTY_FFI_PYTHON_CORE_H
#define RESTY_FFI_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "resty_ffi.h"

#ifdef Py_GIL_DISABLED
#error "the loader relies on the GIL: build it with a Python that has one"
#endif

#define BATCH 64

/* The longest time that finished answers wait for the rest of their batch; they never wait for a slow handler. */
#define HOLD_NS 50000

/* How a handler is called; resty_ffi/runtime.py has the same numbers. From STREAM on they are streams. */
enum { SYNC = 0, ASYNC = 1, THREAD = 2, STREAM = 3, STREAM_THREAD = 4 };

/* The handler of a method number, looked up once. */
typedef struct {
    PyObject *name;
    PyObject *call;    /* NULL: no handler, and then refusal says so */
    PyObject *refusal; /* bytes */
    int kind;
    bool wants_context;
    int slow_runs; /* in a row; the system may be the cause of a single one */
} Method;

/* How far an `async def` handler has come. Its CallTask (resty_ffi/_task.py) is what asyncio sees of it. */
typedef struct {
    PyObject_HEAD PyObject *task; /* NULL once the call is over */
    PyObject *coro, *context;     /* NULL before the first step is done, and once the call is over */
    PyObject *waiter;             /* what the coroutine waits for, or NULL */
    PyObject *call;               /* the handler's Context, if it wants one */
    PyObject *call_id, *method;
    PyObject *stream; /* that it serves, or NULL */
    int cancels;
    bool must_cancel;
    bool marked; /* the task was changed: it cannot serve a second call */
    bool told;   /* the host has cancelled the call */
} CallState;

/* One loaded runtime's end of its queue. */
typedef struct {
    PyObject_HEAD resty_ffi_queue *q; /* NULL once closed */
    PyObject *owner;                  /* Service (resty_ffi/_service.py): the rarer work */
    PyObject *runtime;                /* LoadedRuntime: what contexts are made with */
    PyObject *context_type;
    PyObject *running; /* {call id: object with cancel_call()}: the calls that are not answered yet */

    Method **methods;
    uint32_t method_count;

    resty_ffi_frame out[BATCH]; /* answers that are ready but not sent */
    PyObject *keep[BATCH];      /* what their data points into */
    int out_count;
    uint64_t sent_at; /* ns: the last message of a stream */

    PyObject *woken; /* list of the CallStates that take a step at the end of the dispatch; NULL = none */
    bool collecting; /* that end is still to come */
    bool dispatching;
    bool flush_scheduled, drain_scheduled, steps_scheduled;

    /* Only with an asyncio loop: */
    PyObject *loop, *call_soon, *flush_method, *drain_method, *steps_method;
    PyObject *task_type, *enter_task, *leave_task, *register_task, *unregister_task, *cancelled_error, *current_task;
    bool reuses_tasks;
    CallState *spare;   /* whose task no call has used up, for the next eager first step */
    CallState *current; /* whose task is entered for such a step, borrowed from spare; NULL = none */
} Core;

#endif
