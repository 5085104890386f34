#include "dispatch.h"

#include <string.h>

#include "answer.h"
#include "call.h"
#include "clock.h"
#include "exception.h"
#include "held.h"
#include "stream.h"
#include "task.h"

/* ---- Methods ---- */

static void method_free(Method *m)
{
    if (!m)
        return;
    Py_XDECREF(m->name);
    Py_XDECREF(m->call);
    Py_XDECREF(m->refusal);
    PyMem_Free(m);
}

static Method *method_new(Core *c, uint32_t number)
{
    size_t len = 0;
    const char *name = resty_ffi_method(c->q, number, &len);
    Method *m = PyMem_Calloc(1, sizeof *m);
    if (!m)
        return (Method *)PyErr_NoMemory();
    m->name = PyUnicode_DecodeUTF8(name ? name : "", name ? (Py_ssize_t)len : 0, "backslashreplace");
    PyObject *found = m->name ? PyObject_CallMethod(c->owner, "resolve", "O", m->name) : NULL;
    int wants_context = 0;
    if (found && PyBytes_Check(found)) {
        m->refusal = Py_NewRef(found);
    } else if (found && PyArg_ParseTuple(found, "iOp", &m->kind, &m->call, &wants_context)) {
        Py_INCREF(m->call);
        m->wants_context = wants_context;
    } else {
        m->call = NULL;
        method_free(m);
        m = NULL;
    }
    Py_XDECREF(found);
    return m;
}

static Method *method_of(Core *c, uint32_t number)
{
    if (number >= c->method_count) {
        uint32_t count = number + 16;
        Method **grown = PyMem_Realloc(c->methods, count * sizeof *grown);
        if (!grown)
            return (Method *)PyErr_NoMemory();
        memset(grown + c->method_count, 0, (count - c->method_count) * sizeof *grown);
        c->methods = grown;
        c->method_count = count;
    }
    if (!c->methods[number])
        c->methods[number] = method_new(c, number);
    return c->methods[number];
}

void dispatch_forget(Core *c)
{
    for (uint32_t i = 0; i < c->method_count; i++)
        method_free(c->methods[i]);
    PyMem_Free(c->methods);
    c->methods = NULL;
    c->method_count = 0;
}

/* ---- Calls ---- */

/* Runs a plain handler at once, in a copy of the context, so that its changes to it stay within the call. */
static void call_sync(Core *c, Method *m, resty_ffi_frame *f)
{
    PyObject *args[2] = {request_bytes(f), NULL}, *result = NULL;
    if (m->wants_context)
        args[1] = call_context(c, m, f);
    PyObject *variables = PyContext_CopyCurrent();
    if (args[0] && (args[1] || !m->wants_context) && variables && PyContext_Enter(variables) == 0) {
        result = PyObject_Vectorcall(m->call, args, m->wants_context ? 2 : 1, NULL);
        PyContext_Exit(variables);
    }
    Py_XDECREF(variables);
    Py_XDECREF(args[0]);
    Py_XDECREF(args[1]);
    if (result)
        answer_result(c, m->name, f->id, f->data, result);
    else
        answer_exception(c, m->name, f->id, f->data, false);
}

/* Starts a handler in the pool or in a thread of its own. Core.answer answers the call later. */
static void call_thread(Core *c, Method *m, resty_ffi_frame *f)
{
    bool is_stream = m->kind == STREAM_THREAD;
    PyObject *id = PyLong_FromUnsignedLongLong(f->id), *context = call_context(c, m, f);
    PyObject *request = is_stream ? stream_open(c, m, f) : request_bytes(f);
    PyObject *started = NULL;
    if (is_stream && request && context)
        stream_tell(request, context);
    if (id && request && context && PyDict_SetItem(c->running, id, is_stream ? request : context) == 0)
        started = PyObject_CallMethod(c->owner, is_stream ? "start_stream" : "start_thread", "OOOOO", id, m->call,
                                      request, context, m->wants_context ? Py_True : Py_False);
    if (started) {
        Py_DECREF(started);
        resty_ffi_free(c->q, f->data);
    } else {
        PyObject *exception = take_exception();
        if (id && PyDict_DelItem(c->running, id) < 0)
            PyErr_Clear();
        raise_again(exception);
        answer_exception(c, m->name, f->id, f->data, false);
    }
    Py_XDECREF(id);
    Py_XDECREF(request);
    Py_XDECREF(context);
}

static void refuse(Core *c, Method *m, resty_ffi_frame *f, int status, PyObject *text)
{
    if (text)
        answer_status(c, f->id, f->data, status, text);
    else
        answer_exception(c, m->name, f->id, f->data, false);
}

/* Handles what is not a plain call of a plain handler. Returns false for a plain call. */
static bool on_other_call(Core *c, Method *m, resty_ffi_frame *f)
{
    if (!m->call) {
        refuse(c, m, f, RESTY_FFI_NO_METHOD, Py_NewRef(m->refusal));
        return true;
    }
    if (m->kind < STREAM) { /* its request is the first message, which may not have come yet */
        if ((f->flags & (RESTY_FFI_END | RESTY_FFI_NIL)) != RESTY_FFI_NIL)
            return false;
        if (held_add(c, m, f) < 0)
            answer_exception(c, m->name, f->id, f->data, false);
        return true;
    }
    if (!f->arg)
        refuse(c, m, f, RESTY_FFI_BAD_ARGUMENT,
               PyUnicode_FromFormat("\"%U\" is a stream: open it with resty_ffi.stream", m->name));
    else if (m->kind == STREAM)
        task_stream(c, m, f);
    else
        call_thread(c, m, f);
    return true;
}

/* One call for a handler of plain calls, or a stream that begins. */
static void dispatch_call(Core *c, resty_ffi_frame *f)
{
    Method *m = method_of(c, f->method);
    if (!m) {
        answer_exception(c, Py_None, f->id, f->data, false);
        return;
    }
    if (m->slow_runs > 1) /* answers that are ready do not wait for this handler */
        answer_flush(c);
    if ((f->arg || m->kind >= STREAM || !m->call) && on_other_call(c, m, f))
        return;
    if (m->kind == ASYNC) {
        task_call(c, m, f);
    } else {
        task_leave(c);
        if (m->kind == THREAD)
            call_thread(c, m, f);
        else
            call_sync(c, m, f);
    }
}

/* The call with this id, if it still runs; borrowed. */
static PyObject *running_call(Core *c, uint64_t id)
{
    if (PyDict_GET_SIZE(c->running) == 0)
        return NULL;
    PyObject *key = PyLong_FromUnsignedLongLong(id);
    PyObject *call = key ? PyDict_GetItemWithError(c->running, key) : NULL;
    Py_XDECREF(key);
    if (!call && PyErr_Occurred())
        PyErr_Clear();
    return call;
}

static void on_stream(Core *c, resty_ffi_frame *f)
{
    PyObject *call = running_call(c, f->id);
    if (!call)
        return; /* it is over */
    if (stream_check(call)) {
        task_leave(c);
        stream_frame(call, f);
    } else if (held_check(call) && f->kind == RESTY_FFI_DATA) {
        task_leave(c);
        resty_ffi_frame whole = held_release(call, f);
        dispatch_call(c, &whole);
    }
}

static void on_cancel(Core *c, const resty_ffi_frame *f)
{
    PyObject *call = running_call(c, f->id);
    if (!call)
        return; /* it is answered already */
    task_leave(c);
    Py_INCREF(call);
    PyObject *done = PyObject_CallMethod(call, "cancel_call", NULL);
    if (!done)
        PyErr_WriteUnraisable(call);
    Py_XDECREF(done);
    Py_DECREF(call);
}

static void on_dict(Core *c, const resty_ffi_frame *f)
{
    PyObject *payload = request_bytes(f), *done = NULL;
    task_leave(c);
    if (payload)
        done = PyObject_CallMethod(c->owner, "dict_answered", "KiO", (unsigned long long)f->id, f->status, payload);
    if (!done)
        PyErr_WriteUnraisable(c->owner);
    Py_XDECREF(done);
    Py_XDECREF(payload);
}

void dispatch(Core *c, resty_ffi_frame *f, int n)
{
    c->dispatching = c->collecting = true;
    uint64_t before = n > 1 ? now_ns() : 0, flushed = before;
    Method *m;
    for (int i = 0; i < n; i++) {
        if (f[i].kind == RESTY_FFI_CALL) {
            dispatch_call(c, &f[i]);
            if (n == 1)
                break;
            uint64_t now = now_ns();
            if (f[i].method < c->method_count && (m = c->methods[f[i].method]))
                m->slow_runs = now - before > HOLD_NS ? m->slow_runs + 1 : 0;
            if (now - flushed > HOLD_NS) {
                answer_flush(c);
                flushed = now;
            }
            before = now;
            continue;
        }
        if (f[i].kind == RESTY_FFI_DATA || f[i].kind == RESTY_FFI_WINDOW)
            on_stream(c, &f[i]);
        if (f[i].kind == RESTY_FFI_CANCEL)
            on_cancel(c, &f[i]);
        if (f[i].kind == RESTY_FFI_DICT)
            on_dict(c, &f[i]);
        resty_ffi_free(c->q, f[i].data);
    }
    task_leave(c);
    c->collecting = false;
    task_steps(c);
    c->dispatching = false;
    answer_flush(c);
}
