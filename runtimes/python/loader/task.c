/*
 * asyncio would create a Task for each call, schedule it, and run its first step a turn of the loop later. That costs
 * several times as much as the call itself. Here the first step runs at once, and most calls end with it.
 *
 * The handler sees no difference. It runs inside a task from its first step on, as asyncio.timeout, TaskGroup and
 * others require, and it resumes in the same task. That task is of our own type, CallTask, which follows asyncio's
 * rules for task types ("Extending asyncio"). A task whose call ended at once serves the next call, unless something
 * still refers to it, so a busy runtime creates no tasks.
 *
 * The steps read and write an object of our own, CallState. They do not depend on how CPython lays out a task.
 */
#include "task.h"

#include "answer.h"
#include "call.h"
#include "call_state.h"
#include "clock.h"
#include "exception.h"
#include "loop.h"
#include "stream.h"

/* Names that each step looks up, made once. */
static struct {
    PyObject *blocking, *get_loop, *add_done_callback, *result, *settle, *context;
} names;

static int make_names(void)
{
    if (names.context)
        return 0;
    names.blocking = PyUnicode_InternFromString("_asyncio_future_blocking");
    names.get_loop = PyUnicode_InternFromString("get_loop");
    names.add_done_callback = PyUnicode_InternFromString("add_done_callback");
    names.result = PyUnicode_InternFromString("result");
    names.settle = PyUnicode_InternFromString("_settle");
    names.context = Py_BuildValue("(s)", "context");
    return PyErr_Occurred() ? -1 : 0;
}

/* ---- Tasks ---- */

static CallState *state_new(Core *c)
{
    CallState *s = (CallState *)PyObject_CallNoArgs((PyObject *)&call_state_type);
    PyObject *args[2] = {c->loop, (PyObject *)s};
    if (s && !(s->task = PyObject_Vectorcall(c->task_type, args, 2, NULL)))
        Py_CLEAR(s);
    return s;
}

/* A task and its state hold each other until one of them lets go. */
static void state_drop(CallState *s)
{
    if (s)
        Py_CLEAR(s->task);
    Py_XDECREF(s);
}

/* Whether the task has gained neither a reference nor a mark since `references` were counted. */
static bool is_unused(const CallState *s, Py_ssize_t references)
{
    PyObject **dict = _PyObject_GetDictPtr(s->task);
    return Py_REFCNT(s->task) == references && !s->marked && *PyObject_GET_WEAKREFS_LISTPTR(s->task) == NULL &&
           (!dict || !*dict);
}

/* Whether is_unused sees a mark that this function leaves on a task. -1 and an exception. */
static int shows_mark(Core *c, PyObject *mark)
{
    CallState *s = state_new(c);
    if (!s)
        return -1;
    Py_ssize_t references = Py_REFCNT(s->task);
    bool before = is_unused(s, references);
    PyObject *kept = PyObject_CallOneArg(mark, s->task);
    int shows = kept ? before && !is_unused(s, references) : -1;
    Py_XDECREF(kept);
    state_drop(s);
    return shows;
}

/* If this Python hides any of the marks from is_unused, each call gets a new task. */
static int check_reuse(Core *c, PyObject *marks)
{
    c->reuses_tasks = true;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(marks); i++) {
        int shows = shows_mark(c, PyTuple_GET_ITEM(marks, i));
        if (shows < 0)
            return -1;
        if (!shows)
            c->reuses_tasks = false;
    }
    return 0;
}

int task_setup(Core *c, PyObject *task_type, PyObject *marks)
{
    PyObject *asyncio = make_names() < 0 ? NULL : PyImport_ImportModule("asyncio");
    PyObject *tasks = asyncio ? PyObject_GetAttrString(asyncio, "tasks") : NULL;
    if (tasks) {
        c->register_task = PyObject_GetAttrString(tasks, "_register_task");
        c->unregister_task = PyObject_GetAttrString(tasks, "_unregister_task");
        c->cancelled_error = PyObject_GetAttrString(asyncio, "CancelledError");
    }
    Py_XDECREF(tasks);
    Py_XDECREF(asyncio);
    if (PyErr_Occurred())
        return -1;
    c->task_type = Py_NewRef(task_type);
    return check_reuse(c, marks);
}

void task_forget(Core *c)
{
    state_drop(c->spare);
    c->spare = NULL;
    Py_CLEAR(c->register_task);
    Py_CLEAR(c->unregister_task);
    Py_CLEAR(c->cancelled_error);
    Py_CLEAR(c->task_type);
}

void task_leave(Core *c)
{
    if (!c->current)
        return;
    PyObject *task = c->current->task;
    c->current = NULL;
    if (loop_leave(c, task) < 0)
        PyErr_WriteUnraisable(task);
}

/* The spare task, made current; borrowed. */
static CallState *enter_spare(Core *c)
{
    if (c->current)
        return c->current;
    if (!c->spare && !(c->spare = state_new(c)))
        return NULL;
    if (loop_enter(c, c->spare->task) < 0)
        return NULL;
    return c->current = c->spare;
}

/* ---- Steps after the first ---- */

static void step(Core *c, CallState *s, PyObject *exception);

static PyObject *step_callback(PyObject *pair, PyObject *const *args, Py_ssize_t n)
{
    step((Core *)PyTuple_GET_ITEM(pair, 0), (CallState *)PyTuple_GET_ITEM(pair, 1), n ? args[0] : NULL);
    Py_RETURN_NONE;
}

/* The future that the task waits for is done. */
static PyObject *wake_callback(PyObject *pair, PyObject *future)
{
    Core *c = (Core *)PyTuple_GET_ITEM(pair, 0);
    CallState *s = (CallState *)PyTuple_GET_ITEM(pair, 1);
    PyObject *result = PyObject_CallMethodNoArgs(future, names.result);
    if (result) {
        Py_DECREF(result);
        step(c, s, NULL);
    } else {
        PyObject *exception = take_exception();
        step(c, s, exception);
        Py_DECREF(exception);
    }
    Py_RETURN_NONE;
}

static PyMethodDef step_def = {"step", (PyCFunction)(void (*)(void))step_callback, METH_FASTCALL, NULL};
static PyMethodDef wake_def = {"wakeup", wake_callback, METH_O, NULL};

static PyObject *bound(Core *c, CallState *s, PyMethodDef *def)
{
    PyObject *pair = PyTuple_Pack(2, (PyObject *)c, (PyObject *)s);
    if (!pair)
        return NULL;
    PyObject *callback = PyCFunction_New(def, pair);
    Py_DECREF(pair);
    return callback;
}

/* function(callback[, argument], context=the task's context) */
static PyObject *with_context(const CallState *s, PyObject *function, PyObject *callback, PyObject *argument)
{
    PyObject *args[3] = {callback, argument, NULL};
    args[argument ? 2 : 1] = s->context;
    return PyObject_Vectorcall(function, args, argument ? 2 : 1, names.context);
}

/* Schedules a step for the loop's next turn. It throws the current exception, if any, into the handler. */
static int step_soon(Core *c, CallState *s)
{
    PyObject *exception = take_exception();
    PyObject *callback = bound(c, s, &step_def);
    PyObject *handle = callback ? with_context(s, c->call_soon, callback, exception) : NULL;
    Py_XDECREF(callback);
    Py_XDECREF(exception);
    Py_XDECREF(handle);
    return handle ? 0 : -1;
}

static int waits_for(CallState *s, PyObject *waiter)
{
    Py_XSETREF(s->waiter, Py_NewRef(waiter));
    if (s->must_cancel) {
        PyObject *cancelled = PyObject_CallMethod(s->task, "_cancel_waiter", NULL);
        if (!cancelled)
            return -1;
        Py_DECREF(cancelled);
    }
    return 0;
}

/* The handler yielded a future to wait for, None for "the next turn", or something it must not yield. */
static int wait_for(Core *c, CallState *s, PyObject *yielded)
{
    if (yielded == Py_None)
        return step_soon(c, s);
    if (stream_check(yielded) && stream_park(yielded, (PyObject *)s))
        return waits_for(s, yielded);
    PyObject *blocking = PyObject_GetAttr(yielded, names.blocking);
    PyObject *loop = blocking == Py_True ? PyObject_CallMethodNoArgs(yielded, names.get_loop) : NULL;
    bool good = loop == c->loop && yielded != s->task;
    Py_XDECREF(blocking);
    Py_XDECREF(loop);
    if (!good) {
        PyErr_Clear();
        PyObject *refused = PyObject_CallMethod(s->task, "_refuse", "O", yielded); /* always raises */
        Py_XDECREF(refused);
        return step_soon(c, s);
    }
    if (PyObject_SetAttr(yielded, names.blocking, Py_False) < 0)
        return -1;
    PyObject *add = PyObject_GetAttr(yielded, names.add_done_callback);
    PyObject *callback = add ? bound(c, s, &wake_def) : NULL;
    PyObject *added = callback ? with_context(s, add, callback, NULL) : NULL;
    Py_XDECREF(callback);
    Py_XDECREF(add);
    if (!added)
        return -1;
    Py_DECREF(added);
    return waits_for(s, yielded);
}

/* ---- The end of a call ---- */

/* Ends a task that other code may hold: its future is done, with `exception` unless that is NULL. */
static void settle(CallState *s, PyObject *exception)
{
    PyObject *done = PyObject_CallMethodOneArg(s->task, names.settle, exception ? exception : Py_None);
    if (!done)
        PyErr_WriteUnraisable(s->task);
    Py_XDECREF(done);
    Py_CLEAR(s->coro);
    Py_CLEAR(s->context);
    Py_CLEAR(s->call);
    if (s->stream)
        stream_answered(s->stream);
    Py_CLEAR(s->stream);
    Py_CLEAR(s->task);
}

/* Ends a call that was suspended. Takes the reference to result; NULL stands for the current exception. */
static void finish(Core *c, CallState *s, PyObject *result)
{
    PyObject *exception = result ? NULL : take_exception();
    if (PyDict_DelItem(c->running, s->call_id) == 0) {
        uint64_t number = PyLong_AsUnsignedLongLong(s->call_id);
        if (result) {
            answer_result(c, s->method, number, NULL, Py_NewRef(result));
        } else {
            raise_again(Py_NewRef(exception));
            answer_exception(c, s->method, number, NULL, s->told);
        }
        answer_soon(c);
    } else {
        PyErr_Clear(); /* the unload gave it up and answered it */
    }
    PyObject *gone = PyObject_CallOneArg(c->unregister_task, s->task);
    if (!gone)
        PyErr_WriteUnraisable(s->task);
    Py_XDECREF(gone);
    settle(s, exception);
    Py_XDECREF(exception);
    Py_XDECREF(result);
}

/* Throws into the coroutine; the outcome is in the form of PyIter_Send. */
static PySendResult thrown(PyObject *coro, PyObject *exception, PyObject **result)
{
    *result = PyObject_CallMethod(coro, "throw", "O", exception);
    if (*result)
        return PYGEN_NEXT;
    if (!PyErr_ExceptionMatches(PyExc_StopIteration))
        return PYGEN_ERROR;
    PyObject *stop = take_exception();
    *result = PyObject_GetAttrString(stop, "value");
    Py_DECREF(stop);
    return *result ? PYGEN_RETURN : PYGEN_ERROR;
}

/* One step of a call that has been suspended. */
static void step(Core *c, CallState *s, PyObject *exception)
{
    if (!c->loop || !s->coro)
        return; /* unloaded, or over already */
    PyObject *made = NULL;
    if (s->must_cancel) {
        if (!exception || !PyErr_GivenExceptionMatches(exception, c->cancelled_error)) {
            made = PyObject_CallMethod(s->task, "_make_cancelled_error", NULL);
            if (made)
                exception = made;
            PyErr_Clear();
        }
        s->must_cancel = false;
    }
    Py_CLEAR(s->waiter);
    Py_INCREF(s);
    PyObject *coro = Py_NewRef(s->coro), *result = NULL;
    PySendResult outcome = PYGEN_ERROR;
    if (loop_enter(c, s->task) == 0) {
        outcome = exception ? thrown(coro, exception, &result) : PyIter_Send(coro, Py_None, &result);
        PyObject *raised = take_exception();
        if (loop_leave(c, s->task) < 0)
            PyErr_WriteUnraisable(s->task);
        if (raised)
            raise_again(raised);
    }
    Py_XDECREF(made);
    if (outcome == PYGEN_NEXT) {
        int waits = wait_for(c, s, result);
        Py_CLEAR(result);
        if (waits < 0)
            finish(c, s, NULL);
    } else {
        finish(c, s, result);
    }
    Py_DECREF(coro);
    Py_DECREF(s);
}

/* A step outside a callback of the loop: a callback already runs in the call's context. */
static void step_in_context(Core *c, CallState *s)
{
    PyObject *variables = Py_XNewRef(s->context);
    if (c->loop && variables && PyContext_Enter(variables) == 0) {
        step(c, s, NULL);
        PyContext_Exit(variables);
    }
    Py_XDECREF(variables);
}

void task_steps(Core *c)
{
    PyObject *woken = c->woken;
    if (!woken)
        return;
    c->woken = NULL;
    uint64_t flushed = now_ns();
    Py_ssize_t n = PyList_GET_SIZE(woken);
    for (Py_ssize_t i = 0; i < n; i++) {
        step_in_context(c, (CallState *)PyList_GET_ITEM(woken, i));
        if (c->q && i + 1 < n && now_ns() - flushed > HOLD_NS) {
            answer_flush(c);
            flushed = now_ns();
        }
    }
    Py_DECREF(woken);
}

/* ---- The first step ---- */

/* The handler of a new call was suspended: from here on the task belongs to the call. */
static void suspend(Core *c, CallState *s, const Method *m, resty_ffi_frame *f, PyObject *coro, PyObject *variables,
                    PyObject **args, PyObject *yielded)
{
    task_leave(c);
    c->spare = NULL; /* its reference is ours now */
    resty_ffi_free(c->q, f->data);
    PyObject *id = PyLong_FromUnsignedLongLong(f->id);
    if (!id)
        Py_FatalError("no memory for the id of a call");
    s->coro = Py_NewRef(coro);
    s->context = Py_NewRef(variables);
    s->call = Py_XNewRef(args[1]);
    Py_XSETREF(s->method, Py_NewRef(m->name));
    s->call_id = id;
    PyObject *registered = NULL, *entry = (PyObject *)s;
    if (m->kind == STREAM) {
        entry = args[0];
        stream_tell(entry, (PyObject *)s);
        s->stream = Py_NewRef(entry);
    }
    if (PyDict_SetItem(c->running, id, entry) == 0)
        registered = PyObject_CallOneArg(c->register_task, s->task);
    Py_XDECREF(registered);
    if (!registered || wait_for(c, s, yielded) < 0)
        finish(c, s, NULL);
    Py_DECREF(s);
}

/* Takes the references in args: the request or the stream, and the context if the handler wants it. */
static void first_step(Core *c, const Method *m, resty_ffi_frame *f, PyObject **args)
{
    PyObject *coro = NULL, *result = NULL;
    PyObject *variables = PyContext_CopyCurrent();
    CallState *s = enter_spare(c);
    Py_ssize_t references = s ? Py_REFCNT(s->task) : 0;
    PySendResult outcome = PYGEN_ERROR;
    if (s && args[0] && (args[1] || !m->wants_context) && variables && PyContext_Enter(variables) == 0) {
        coro = PyObject_Vectorcall(m->call, args, m->wants_context ? 2 : 1, NULL);
        if (coro)
            outcome = PyIter_Send(coro, Py_None, &result);
        PyContext_Exit(variables);
    }
    if (outcome == PYGEN_NEXT) {
        suspend(c, s, m, f, coro, variables, args, result);
        Py_DECREF(result);
    } else {
        PyObject *exception = result ? NULL : take_exception();
        if (result) {
            answer_result(c, m->name, f->id, f->data, result);
        } else {
            raise_again(Py_NewRef(exception));
            answer_exception(c, m->name, f->id, f->data, false);
        }
        if (s && !(c->reuses_tasks && is_unused(s, references))) {
            task_leave(c);
            c->spare = NULL;
            settle(s, exception);
            Py_DECREF(s);
        }
        Py_XDECREF(exception);
    }
    Py_XDECREF(coro);
    Py_XDECREF(variables);
    Py_XDECREF(args[0]);
    Py_XDECREF(args[1]);
}

void task_call(Core *c, const Method *m, resty_ffi_frame *f)
{
    PyObject *args[2] = {request_bytes(f), m->wants_context ? call_context(c, m, f) : NULL};
    first_step(c, m, f, args);
}

/* The coroutine between a stream and its handler is an ordinary call that also receives and sends messages. */
void task_stream(Core *c, const Method *m, resty_ffi_frame *f)
{
    PyObject *args[2] = {stream_open(c, m, f), call_context(c, m, f)};
    first_step(c, m, f, args);
}
