/*
 * `async def` handlers. asyncio would make a Task for each call, put it on the loop and run its first step a turn
 * later, which costs several times the call. Here the first step runs at once, and most calls end with it.
 *
 * A handler must not be able to tell: it runs inside a task from its first step on (asyncio.timeout, TaskGroup and
 * others need one), the same task when it is resumed. So we have a task type of our own, CallTask, by the rules that
 * asyncio gives for one ("Extending asyncio"). A task whose call ended at once and that nobody kept serves the next
 * call too: in the steady state no task is made.
 */
#include "core.h"

#include <structmember.h>

#define SLOT(c, task, field) (*(PyObject **)((char *)(task) + (c)->slots.field))

static void set_slot(PyObject **slot, PyObject *value)
{
    PyObject *old = *slot;
    *slot = Py_XNewRef(value);
    Py_XDECREF(old);
}

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

static int slot_offset(PyObject *type, const char *name, Py_ssize_t *offset)
{
    PyObject *member = PyObject_GetAttrString(type, name);
    if (!member)
        return -1;
    int ok = Py_IS_TYPE(member, &PyMemberDescr_Type);
    if (ok)
        *offset = ((PyMemberDescrObject *)member)->d_member->offset;
    else
        PyErr_Format(PyExc_TypeError, "CallTask.%s is not a slot", name);
    Py_DECREF(member);
    return ok ? 0 : -1;
}

int task_setup(Core *c, PyObject *loop, PyObject *task_type)
{
    TaskSlots *s = &c->slots;
    if (make_names() < 0 || slot_offset(task_type, "_coro", &s->coro) < 0 ||
        slot_offset(task_type, "_context", &s->context) < 0 || slot_offset(task_type, "_fut_waiter", &s->waiter) < 0 ||
        slot_offset(task_type, "_must_cancel", &s->must_cancel) < 0 ||
        slot_offset(task_type, "_cancels", &s->cancels) < 0 || slot_offset(task_type, "_marked", &s->marked) < 0 ||
        slot_offset(task_type, "_told", &s->told) < 0 || slot_offset(task_type, "_call", &s->call) < 0 ||
        slot_offset(task_type, "_call_id", &s->call_id) < 0 || slot_offset(task_type, "_stream", &s->stream) < 0 ||
        slot_offset(task_type, "_method", &s->method) < 0)
        return -1;
    PyObject *asyncio = PyImport_ImportModule("asyncio");
    PyObject *tasks = PyImport_ImportModule("asyncio.tasks");
    if (asyncio && tasks) {
        c->enter_task = PyObject_GetAttrString(tasks, "_enter_task");
        c->leave_task = PyObject_GetAttrString(tasks, "_leave_task");
        c->register_task = PyObject_GetAttrString(tasks, "_register_task");
        c->unregister_task = PyObject_GetAttrString(tasks, "_unregister_task");
        c->cancelled_error = PyObject_GetAttrString(asyncio, "CancelledError");
        c->current_task = PyObject_GetAttrString(tasks, "current_task");
        c->call_soon = PyObject_GetAttrString(loop, "call_soon");
        c->flush_method = PyObject_GetAttrString((PyObject *)c, "flush");
        c->drain_method = PyObject_GetAttrString((PyObject *)c, "drain");
    }
    Py_XDECREF(asyncio);
    Py_XDECREF(tasks);
    if (PyErr_Occurred())
        return -1;
    c->loop = Py_NewRef(loop);
    c->task_type = Py_NewRef(task_type);
    return 0;
}

void task_forget(Core *c)
{
    Py_CLEAR(c->spare);
    Py_CLEAR(c->enter_task);
    Py_CLEAR(c->leave_task);
    Py_CLEAR(c->register_task);
    Py_CLEAR(c->unregister_task);
    Py_CLEAR(c->cancelled_error);
    Py_CLEAR(c->current_task);
    Py_CLEAR(c->call_soon);
    Py_CLEAR(c->flush_method);
    Py_CLEAR(c->drain_method);
    Py_CLEAR(c->task_type);
    Py_CLEAR(c->loop);
}

/* ---- Which task is current ---- */

static int switch_task(Core *c, PyObject *function, PyObject *task)
{
    PyObject *args[2] = {c->loop, task};
    PyObject *done = PyObject_Vectorcall(function, args, 2, NULL);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

void task_leave(Core *c)
{
    if (!c->current)
        return;
    PyObject *task = c->current;
    c->current = NULL;
    if (switch_task(c, c->leave_task, task) < 0)
        PyErr_WriteUnraisable(task);
}

int task_is_current(Core *c, PyObject *task)
{
    PyObject *current = PyObject_CallOneArg(c->current_task, c->loop);
    Py_XDECREF(current);
    if (!current)
        return -1;
    return current == (task ? task : c->current);
}

/* The spare task, made current; borrowed. */
static PyObject *enter_spare(Core *c)
{
    if (c->current)
        return c->current;
    if (!c->spare) {
        c->spare = PyObject_CallOneArg(c->task_type, c->loop);
        if (!c->spare)
            return NULL;
    }
    if (switch_task(c, c->enter_task, c->spare) < 0)
        return NULL;
    return c->current = c->spare;
}

/* ---- Steps after the first ---- */

static void step(Core *c, PyObject *task, PyObject *exception);

static PyObject *step_callback(PyObject *pair, PyObject *const *args, Py_ssize_t n)
{
    step((Core *)PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1), n ? args[0] : NULL);
    Py_RETURN_NONE;
}

/* The future that the task waits for is done. */
static PyObject *wake_callback(PyObject *pair, PyObject *future)
{
    Core *c = (Core *)PyTuple_GET_ITEM(pair, 0);
    PyObject *task = PyTuple_GET_ITEM(pair, 1);
    PyObject *result = PyObject_CallMethodNoArgs(future, names.result);
    if (result) {
        Py_DECREF(result);
        step(c, task, NULL);
    } else {
        PyObject *exception = take_exception();
        step(c, task, exception);
        Py_DECREF(exception);
    }
    Py_RETURN_NONE;
}

static PyMethodDef step_def = {"step", (PyCFunction)(void (*)(void))step_callback, METH_FASTCALL, NULL};
static PyMethodDef wake_def = {"wakeup", wake_callback, METH_O, NULL};

static PyObject *bound(Core *c, PyObject *task, PyMethodDef *def)
{
    PyObject *pair = PyTuple_Pack(2, (PyObject *)c, task);
    if (!pair)
        return NULL;
    PyObject *callback = PyCFunction_New(def, pair);
    Py_DECREF(pair);
    return callback;
}

/* function(callback[, argument], context=the task's context) */
static PyObject *with_context(Core *c, PyObject *task, PyObject *function, PyObject *callback, PyObject *argument)
{
    PyObject *args[3] = {callback, argument, NULL};
    args[argument ? 2 : 1] = SLOT(c, task, context);
    return PyObject_Vectorcall(function, args, argument ? 2 : 1, names.context);
}

/* Another step with the loop's next turn; with the current exception thrown into the handler if there is one. */
int task_step_soon(Core *c, PyObject *task)
{
    PyObject *exception = take_exception();
    PyObject *callback = bound(c, task, &step_def);
    PyObject *handle = callback ? with_context(c, task, c->call_soon, callback, exception) : NULL;
    Py_XDECREF(callback);
    Py_XDECREF(exception);
    Py_XDECREF(handle);
    return handle ? 0 : -1;
}

static int waits_for(Core *c, PyObject *task, PyObject *waiter)
{
    set_slot(&SLOT(c, task, waiter), waiter);
    if (SLOT(c, task, must_cancel) == Py_True) {
        PyObject *cancelled = PyObject_CallMethod(task, "_cancel_waiter", NULL);
        if (!cancelled)
            return -1;
        Py_DECREF(cancelled);
    }
    return 0;
}

/* The handler yielded: a future that it waits for, None for "the next turn", or something that it may not. */
static int wait_for(Core *c, PyObject *task, PyObject *yielded)
{
    if (yielded == Py_None)
        return task_step_soon(c, task);
    if (stream_check(yielded) && stream_park(yielded, task))
        return waits_for(c, task, yielded);
    PyObject *blocking = PyObject_GetAttr(yielded, names.blocking);
    PyObject *loop = blocking == Py_True ? PyObject_CallMethodNoArgs(yielded, names.get_loop) : NULL;
    bool good = loop == c->loop && yielded != task;
    Py_XDECREF(blocking);
    Py_XDECREF(loop);
    if (!good) {
        PyErr_Clear();
        PyObject *refused = PyObject_CallMethod(task, "_refuse", "O", yielded); /* always raises */
        Py_XDECREF(refused);
        return task_step_soon(c, task);
    }
    if (PyObject_SetAttr(yielded, names.blocking, Py_False) < 0)
        return -1;
    PyObject *add = PyObject_GetAttr(yielded, names.add_done_callback);
    PyObject *callback = add ? bound(c, task, &wake_def) : NULL;
    PyObject *added = callback ? with_context(c, task, add, callback, NULL) : NULL;
    Py_XDECREF(callback);
    Py_XDECREF(add);
    if (!added)
        return -1;
    Py_DECREF(added);
    return waits_for(c, task, yielded);
}

/* ---- The end of a call ---- */

/* Ends a task that others may hold: its own future gets the result (`exception`, or none). */
static void settle(Core *c, PyObject *task, PyObject *exception)
{
    PyObject *done = PyObject_CallMethodOneArg(task, names.settle, exception ? exception : Py_None);
    if (!done)
        PyErr_WriteUnraisable(task);
    Py_XDECREF(done);
    set_slot(&SLOT(c, task, coro), Py_None);
    set_slot(&SLOT(c, task, context), Py_None);
    set_slot(&SLOT(c, task, call), Py_None);
    if (SLOT(c, task, stream) != Py_None) {
        stream_answered(SLOT(c, task, stream));
        set_slot(&SLOT(c, task, stream), Py_None);
    }
}

/* Of a call that had been suspended. Takes result; NULL = the current exception. */
static void finish(Core *c, PyObject *task, PyObject *result)
{
    PyObject *exception = result ? NULL : take_exception();
    PyObject *id = SLOT(c, task, call_id);
    if (PyDict_DelItem(c->running, id) == 0) {
        uint64_t number = PyLong_AsUnsignedLongLong(id);
        if (result) {
            answer_result(c, SLOT(c, task, method), number, NULL, Py_NewRef(result));
        } else {
            raise_again(Py_NewRef(exception));
            answer_exception(c, SLOT(c, task, method), number, NULL, SLOT(c, task, told) == Py_True);
        }
        answer_soon(c);
    } else {
        PyErr_Clear(); /* the unload has given it up, and answered it */
    }
    PyObject *gone = PyObject_CallOneArg(c->unregister_task, task);
    if (!gone)
        PyErr_WriteUnraisable(task);
    Py_XDECREF(gone);
    settle(c, task, exception);
    Py_XDECREF(exception);
    Py_XDECREF(result);
}

/* What `coro.throw` ended with: as PyIter_Send has it. */
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
static void step(Core *c, PyObject *task, PyObject *exception)
{
    if (!c->loop || SLOT(c, task, coro) == Py_None)
        return; /* unloaded, or over already */
    PyObject *made = NULL;
    if (SLOT(c, task, must_cancel) == Py_True) {
        if (!exception || !PyErr_GivenExceptionMatches(exception, c->cancelled_error)) {
            made = PyObject_CallMethod(task, "_make_cancelled_error", NULL);
            if (made)
                exception = made;
            PyErr_Clear();
        }
        set_slot(&SLOT(c, task, must_cancel), Py_False);
    }
    set_slot(&SLOT(c, task, waiter), Py_None);
    Py_INCREF(task);
    PyObject *coro = Py_NewRef(SLOT(c, task, coro)), *result = NULL;
    PySendResult outcome = PYGEN_ERROR;
    if (switch_task(c, c->enter_task, task) == 0) {
        outcome = exception ? thrown(coro, exception, &result) : PyIter_Send(coro, Py_None, &result);
        PyObject *raised = take_exception();
        if (switch_task(c, c->leave_task, task) < 0)
            PyErr_WriteUnraisable(task);
        if (raised)
            raise_again(raised);
    }
    Py_XDECREF(made);
    if (outcome == PYGEN_NEXT) {
        int waits = wait_for(c, task, result);
        Py_CLEAR(result);
        if (waits < 0)
            finish(c, task, NULL);
    } else {
        finish(c, task, result);
    }
    Py_DECREF(coro);
    Py_DECREF(task);
}

void task_step(Core *c, PyObject *task)
{
    Py_INCREF(task);
    PyObject *variables = Py_NewRef(SLOT(c, task, context));
    if (c->loop && variables != Py_None && PyContext_Enter(variables) == 0) {
        step(c, task, NULL);
        PyContext_Exit(variables);
    }
    Py_DECREF(variables);
    Py_DECREF(task);
}

/* ---- The first step ---- */

/* The handler of a new call was suspended: from here on the task is the call's. */
static void suspend(Core *c, PyObject *task, const Method *m, resty_ffi_frame *f, PyObject *coro, PyObject *variables,
                    PyObject **args, PyObject *yielded)
{
    task_leave(c);
    c->spare = NULL; /* its reference is ours now */
    resty_ffi_free(c->q, f->data);
    PyObject *id = PyLong_FromUnsignedLongLong(f->id);
    if (!id)
        Py_FatalError("no memory for the id of a call");
    set_slot(&SLOT(c, task, coro), coro);
    set_slot(&SLOT(c, task, context), variables);
    set_slot(&SLOT(c, task, call), args[1] ? args[1] : Py_None);
    set_slot(&SLOT(c, task, method), m->name);
    set_slot(&SLOT(c, task, call_id), id);
    PyObject *registered = NULL, *entry = task;
    if (m->kind == STREAM) {
        entry = args[0];
        stream_tell(entry, task);
        set_slot(&SLOT(c, task, stream), entry);
    }
    if (PyDict_SetItem(c->running, id, entry) == 0)
        registered = PyObject_CallOneArg(c->register_task, task);
    Py_XDECREF(registered);
    Py_DECREF(id);
    if (!registered || wait_for(c, task, yielded) < 0)
        finish(c, task, NULL);
    Py_DECREF(task);
}

/* Whether nobody has kept the task, or left a mark on it, since `references` were counted. */
static bool unused(Core *c, PyObject *task, Py_ssize_t references)
{
    PyObject **dict = _PyObject_GetDictPtr(task);
    return Py_REFCNT(task) == references && SLOT(c, task, marked) == Py_False &&
           PyObject_GET_WEAKREFS_LISTPTR(task)[0] == NULL && (!dict || !*dict);
}

/* Takes the references in args: the request or the stream, and the context if it is wanted. */
static void first_step(Core *c, const Method *m, resty_ffi_frame *f, PyObject **args)
{
    PyObject *coro = NULL, *result = NULL;
    PyObject *variables = PyContext_CopyCurrent();
    PyObject *task = enter_spare(c);
    Py_ssize_t references = task ? Py_REFCNT(task) : 0;
    PySendResult outcome = PYGEN_ERROR;
    if (task && args[0] && (args[1] || !m->wants_context) && variables && PyContext_Enter(variables) == 0) {
        coro = PyObject_Vectorcall(m->call, args, m->wants_context ? 2 : 1, NULL);
        if (coro)
            outcome = PyIter_Send(coro, Py_None, &result);
        PyContext_Exit(variables);
    }
    if (outcome == PYGEN_NEXT) {
        suspend(c, task, m, f, coro, variables, args, result);
        Py_DECREF(result);
    } else {
        PyObject *exception = result ? NULL : take_exception();
        if (result) {
            answer_result(c, m->name, f->id, f->data, result);
        } else {
            raise_again(Py_NewRef(exception));
            answer_exception(c, m->name, f->id, f->data, false);
        }
        if (task && !unused(c, task, references)) {
            task_leave(c);
            c->spare = NULL;
            settle(c, task, exception);
            Py_DECREF(task);
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

/* The coroutine between the stream and its handler is a call like any, but for the messages that it gets and sends. */
void task_stream(Core *c, const Method *m, resty_ffi_frame *f)
{
    PyObject *args[2] = {stream_open(c, m, f), call_context(c, m, f)};
    first_step(c, m, f, args);
}
