/*
 * The part of the loader that runs for every call, against the CPython API: it takes frames from the queue, calls
 * handlers, and sends their answers, so that Python code runs only where an author wrote it. Python sees it as the
 * built-in module _resty_ffi (src/_resty_ffi.pyi).
 *
 * Here is the data; each C file of the loader has a header with its functions. A file includes the headers of those
 * that it calls, and no two call each other (lint/circles.py).
 *
 * Every function of the loader needs the GIL, which also guards the fields.
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

/* Answers that are ready wait this long at most for the rest of their batch, and not at all for a slow handler. */
#define HOLD_NS 50000

/* How a handler is called; resty_ffi/runtime.py has the same numbers. From STREAM on they are streams. */
enum { SYNC = 0, ASYNC = 1, THREAD = 2, STREAM = 3, STREAM_THREAD = 4 };

/* What a method number stands for, looked up once. */
typedef struct {
    PyObject *name;
    PyObject *call;    /* NULL: no handler, and then refusal says so */
    PyObject *refusal; /* bytes */
    int kind;
    bool wants_context;
    int slow_runs; /* in a row; one alone may be the system's doing, not the handler's */
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
    bool marked; /* somebody did something to the task: it cannot serve a second call */
    bool told;   /* the host has cancelled the call */
} CallState;

/* One loaded runtime's end of its queue. */
typedef struct {
    PyObject_HEAD resty_ffi_queue *q; /* NULL once closed */
    PyObject *owner;                  /* Service (resty_ffi/_service.py): everything that is not done for every call */
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
    bool collecting; /* there will be such an end */
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
