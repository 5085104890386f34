/*
 * The part of the loader that runs for every call, against the CPython API: it takes frames from the queue, calls
 * handlers, and sends their answers, so that Python code runs only where an author wrote it. Python sees it as the
 * built-in module _resty_ffi with one type, Core: one loaded runtime's end of its queue.
 *
 * Every function here needs the GIL, which also guards the fields.
 */
#ifndef RESTY_FFI_PYTHON_CORE_H
#define RESTY_FFI_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "resty_ffi.h"

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

/* Where the slots of a CallTask (resty_ffi/_task.py) are within the object. */
typedef struct {
    Py_ssize_t coro, context, waiter, must_cancel, cancels, marked, told, call, call_id, method, stream;
} TaskSlots;

typedef struct {
    PyObject_HEAD resty_ffi_queue *q; /* NULL once closed */
    PyObject *owner;                  /* LoadedRuntime: everything that is not done for every call */
    PyObject *context_type;
    PyObject *running; /* {call id: object with cancel_call()}: the calls that are not answered yet */

    Method **methods;
    uint32_t method_count;

    resty_ffi_frame out[BATCH]; /* answers that are ready but not sent */
    PyObject *keep[BATCH];      /* what their data points into */
    int out_count;
    uint64_t sent_at; /* ns: the last message of a stream */

    struct Stream *woken; /* whose tasks take a step at the end of the dispatch */
    bool collecting;      /* there will be such an end */
    bool dispatching;
    bool flush_scheduled, drain_scheduled;

    /* Only with an asyncio loop: */
    PyObject *loop, *call_soon, *flush_method, *drain_method;
    PyObject *task_type, *enter_task, *leave_task, *register_task, *unregister_task, *cancelled_error, *current_task;
    TaskSlots slots;
    PyObject *spare;   /* a task that no call has used up, for the next eager first step */
    PyObject *current; /* the task that is entered for such a step, borrowed from spare; NULL = none */
} Core;

extern PyTypeObject core_type, stream_type;

/* answer.c: these take the reference to the payload or text, and the request `release` along with the answer. */
void answer_result(Core *c, PyObject *method, uint64_t id, void *release, PyObject *result);
void answer_exception(Core *c, PyObject *method, uint64_t id, void *release, bool told);
void answer_status(Core *c, uint64_t id, void *release, int status, PyObject *payload);
/* Turns a handler's result into bytes, str or None; takes the reference; NULL and an exception if it is none. */
PyObject *answer_payload(PyObject *result);
/* Points the frame into payload, which must outlive the send. -1 and an exception for a str that UTF-8 cannot carry. */
int answer_fill(resty_ffi_frame *f, uint64_t id, int status, PyObject *payload);
void answer_flush(Core *c);
/* Adds a frame to the next batch, with what its data points into; takes the reference. */
void answer_frame(Core *c, const resty_ffi_frame *f, PyObject *keep);
/* For an answer that came outside a dispatch: sends at once when no other call runs, else with the loop's next turn. */
void answer_soon(Core *c);

/* dispatch.c */
uint64_t now_ns(void);
void dispatch(Core *c, resty_ffi_frame *f, int n);
/* One call for a handler of plain calls. */
void dispatch_call(Core *c, resty_ffi_frame *f);
void dispatch_forget(Core *c);
PyObject *request_bytes(const resty_ffi_frame *f);
PyObject *call_context(Core *c, const Method *m, const resty_ffi_frame *f);

/* task.c */
int task_setup(Core *c, PyObject *loop, PyObject *task_type);
void task_call(Core *c, const Method *m, resty_ffi_frame *f);
void task_stream(Core *c, const Method *m, resty_ffi_frame *f);
void task_leave(Core *c);
/* Whether the running code is that of this task (NULL: of a call in its first step). -1 and an exception. */
int task_is_current(Core *c, PyObject *task);
/* The next step of a call that is suspended: now, or with the loop's next turn. */
void task_step(Core *c, PyObject *task);
int task_step_soon(Core *c, PyObject *task);
void task_forget(Core *c);

/* stream.c: a stream is an object in core->running, like every call that is not answered yet. */
PyObject *stream_open(Core *c, const Method *m, const resty_ffi_frame *f);
/* For a plain handler whose request has not come yet. -1 and an exception if there is no memory. */
int stream_hold(Core *c, const Method *m, const resty_ffi_frame *f);
bool stream_check(PyObject *call);
bool stream_is_threaded(PyObject *stream);
/* The task that awaits the stream waits. False: it is not that of its handler. */
bool stream_park(PyObject *stream, PyObject *task);
/* The next steps of all tasks that need wait no longer. */
void stream_steps(Core *c);
/* Says what is to be told of a cancellation: an object with cancel_call(). */
void stream_tell(PyObject *stream, PyObject *told);
/* DATA or WINDOW. What it keeps of the payload it takes out of the frame. */
void stream_frame(PyObject *stream, resty_ffi_frame *f);
/* Its end has been sent: whoever still waits gets an error. */
void stream_answered(PyObject *stream);

/* The current exception as one object with its traceback; clears it. */
PyObject *take_exception(void);
/* Makes it the current one again; takes the reference. */
void raise_again(PyObject *exception);

/* interpreter.c: starts Python if need be. 0, or -1 and a sentence in *why. */
int interpreter_start(const char **why);
/* Whether the process is this runtime's own, and its main thread Python's. */
bool interpreter_owns_process(void);

#endif
