#include "core_type.h"

#include <pthread.h>
#include <string.h>

#include "answer.h"
#include "dispatch.h"
#include "interpreter.h"
#include "loop.h"
#include "stream.h"
#include "task.h"

/* How many batches one turn of the asyncio loop takes, so that its other work gets its turn. */
#define BATCHES_A_TURN 16

/* How long a signal waits for its Python handler in an idle runtime without a loop. */
#define SIGNALS_MS 200

static bool is_open(Core *c)
{
    if (!c->q)
        PyErr_SetString(PyExc_RuntimeError, "this runtime has been unloaded");
    return c->q != NULL;
}

static PyObject *core_new(PyTypeObject *type, PyObject *args, PyObject *kwds)
{
    unsigned long long queue;
    static char *names[] = {"queue", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwds, "K", names, &queue))
        return NULL;
    Core *c = (Core *)type->tp_alloc(type, 0);
    if (!c)
        return NULL;
    c->q = (resty_ffi_queue *)(uintptr_t)queue;
    c->owner = Py_NewRef(Py_None);
    c->runtime = Py_NewRef(Py_None);
    c->context_type = Py_NewRef(Py_None);
    c->running = PyDict_New();
    if (!c->running)
        Py_CLEAR(c);
    return (PyObject *)c;
}

/* Drops all handlers and objects of the runtime. The queue stays with the host. */
static PyObject *core_forget(Core *c, PyObject *unused)
{
    c->q = NULL;
    task_forget(c);
    loop_forget(c);
    dispatch_forget(c);
    PyDict_Clear(c->running);
    Py_SETREF(c->owner, Py_NewRef(Py_None));
    Py_SETREF(c->runtime, Py_NewRef(Py_None));
    Py_RETURN_NONE;
}

/* Announces whether there is work to finish at the end. Returns how many ms the host grants it. */
static PyObject *core_finish(Core *c, PyObject *args)
{
    int busy;
    if (!PyArg_ParseTuple(args, "p", &busy) || !is_open(c))
        return NULL;
    return PyLong_FromLong(resty_ffi_finish(c->q, busy));
}

static PyObject *core_close(Core *c, PyObject *unused)
{
    resty_ffi_queue *q = c->q;
    if (q)
        answer_flush(c);
    Py_XDECREF(core_forget(c, NULL));
    if (q)
        resty_ffi_close(q);
    Py_RETURN_NONE;
}

static void core_dealloc(Core *c)
{
    Py_XDECREF(core_forget(c, NULL));
    Py_XDECREF(c->owner);
    Py_XDECREF(c->runtime);
    Py_XDECREF(c->context_type);
    Py_XDECREF(c->running);
    Py_TYPE(c)->tp_free(c);
}

/* ---- The host ---- */

static PyObject *core_name(Core *c, void *unused)
{
    if (!is_open(c))
        return NULL;
    const char *name = resty_ffi_name(c->q);
    return PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "backslashreplace");
}

static PyObject *core_abi(Core *c, void *unused)
{
    return PyLong_FromLong(resty_ffi_abi());
}

static PyObject *core_config(Core *c, void *unused)
{
    if (!is_open(c))
        return NULL;
    size_t len = 0;
    const char *config = resty_ffi_config(c->q, &len);
    if (!config)
        Py_RETURN_NONE;
    return PyBytes_FromStringAndSize(config, (Py_ssize_t)len);
}

static PyObject *core_config_address(Core *c, void *unused)
{
    if (!is_open(c))
        return NULL;
    return PyLong_FromVoidPtr((void *)resty_ffi_config(c->q, NULL));
}

static PyObject *core_generation(Core *c, void *unused)
{
    return is_open(c) ? PyLong_FromUnsignedLong(resty_ffi_generation(c->q)) : NULL;
}

static PyObject *core_running(Core *c, void *unused)
{
    return Py_NewRef(c->running);
}

static PyObject *core_reuses_tasks(Core *c, void *unused)
{
    return PyBool_FromLong(c->reuses_tasks);
}

static PyObject *core_fail(Core *c, PyObject *args)
{
    const char *text;
    Py_ssize_t len;
    if (!PyArg_ParseTuple(args, "y#", &text, &len) || !is_open(c))
        return NULL;
    resty_ffi_fail(c->q, text, (size_t)len);
    Py_RETURN_NONE;
}

static PyObject *core_log(Core *c, PyObject *args)
{
    resty_ffi_frame f = {.kind = RESTY_FFI_LOG, .flags = RESTY_FFI_COPY};
    Py_ssize_t len;
    if (!PyArg_ParseTuple(args, "iy#", &f.status, &f.data, &len) || !is_open(c))
        return NULL;
    f.len = (uint64_t)len;
    resty_ffi_send(c->q, &f, 1);
    Py_RETURN_NONE;
}

/* Reports a source file of the author's code, for the host's option watch. */
static PyObject *core_watch(Core *c, PyObject *args)
{
    resty_ffi_frame f = {.kind = RESTY_FFI_WATCH, .flags = RESTY_FFI_COPY};
    Py_ssize_t len;
    if (!PyArg_ParseTuple(args, "y#", &f.data, &len) || !is_open(c))
        return NULL;
    f.len = (uint64_t)len;
    resty_ffi_send(c->q, &f, 1);
    Py_RETURN_NONE;
}

static PyObject *core_setting(Core *c, PyObject *args)
{
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name) || !is_open(c))
        return NULL;
    const char *value = resty_ffi_setting(c->q, name);
    if (!value)
        Py_RETURN_NONE;
    return PyUnicode_DecodeFSDefault(value);
}

static PyObject *core_dict(Core *c, PyObject *args)
{
    resty_ffi_frame f = {.kind = RESTY_FFI_DICT, .flags = RESTY_FFI_COPY};
    unsigned long long id, lives_ms;
    const char *zone, *key, *value;
    Py_ssize_t zone_len, key_len, value_len;
    if (!PyArg_ParseTuple(args, "KIy#y#y#K", &id, &f.method, &zone, &zone_len, &key, &key_len, &value, &value_len,
                          &lives_ms) ||
        !is_open(c))
        return NULL;
    PyObject *payload = PyBytes_FromStringAndSize(NULL, zone_len + key_len + value_len);
    if (!payload)
        return NULL;
    memcpy(PyBytes_AS_STRING(payload), zone, (size_t)zone_len);
    memcpy(PyBytes_AS_STRING(payload) + zone_len, key, (size_t)key_len);
    memcpy(PyBytes_AS_STRING(payload) + zone_len + key_len, value, (size_t)value_len);
    f.id = id;
    f.data = PyBytes_AS_STRING(payload);
    f.len = (uint64_t)PyBytes_GET_SIZE(payload);
    f.zone = (uint32_t)zone_len;
    f.arg = (uint64_t)key_len;
    f.deadline = lives_ms;
    resty_ffi_send(c->q, &f, 1);
    Py_DECREF(payload);
    Py_RETURN_NONE;
}

/* ---- Calls ---- */

static PyObject *core_prepare(Core *c, PyObject *args)
{
    PyObject *owner, *runtime, *context_type;
    if (!PyArg_ParseTuple(args, "OOO", &owner, &runtime, &context_type))
        return NULL;
    Py_SETREF(c->owner, Py_NewRef(owner));
    Py_SETREF(c->runtime, Py_NewRef(runtime));
    Py_SETREF(c->context_type, Py_NewRef(context_type));
    Py_RETURN_NONE;
}

static PyObject *core_use_loop(Core *c, PyObject *args)
{
    PyObject *loop, *task_type, *marks;
    if (!PyArg_ParseTuple(args, "OOO!", &loop, &task_type, &PyTuple_Type, &marks) || !is_open(c))
        return NULL;
    if (loop_setup(c, loop) < 0 || task_setup(c, task_type, marks) < 0)
        return NULL;
    return PyLong_FromLong(resty_ffi_fd(c->q, 1));
}

/* Without a loop: waits and dispatches until the host unloads the runtime. On Python's main thread it also runs signal
   handlers. */
static PyObject *core_serve(Core *c, PyObject *unused)
{
    if (!is_open(c))
        return NULL;
    resty_ffi_frame f[BATCH];
    int n, timeout = interpreter_owns_process() ? SIGNALS_MS : -1;
    for (;;) {
        Py_BEGIN_ALLOW_THREADS n = resty_ffi_poll(c->q, f, BATCH, timeout);
        Py_END_ALLOW_THREADS if (n < 0) Py_RETURN_NONE;
        if (n > 0)
            dispatch(c, f, n);
        else if (PyErr_CheckSignals() < 0)
            return NULL;
    }
}

/* With a loop: dispatches the frames that wait. The loop calls it when the descriptor is readable. */
static PyObject *core_drain(Core *c, PyObject *unused)
{
    c->drain_scheduled = false;
    if (!is_open(c))
        return NULL;
    resty_ffi_frame f[BATCH];
    for (int i = 0; i < BATCHES_A_TURN; i++) {
        int n = resty_ffi_poll(c->q, f, BATCH, 0);
        if (n < 0)
            return PyObject_CallMethod(c->owner, "unloaded", NULL);
        if (n == 0)
            Py_RETURN_NONE;
        dispatch(c, f, n);
    }
    /* The queue may hold more frames, and then its descriptor does not become readable again. */
    if (c->drain_scheduled)
        Py_RETURN_NONE;
    c->drain_scheduled = true;
    return PyObject_CallOneArg(c->call_soon, c->drain_method);
}

/* The loop calls it after calls were woken outside a dispatch. */
static PyObject *core_take_steps(Core *c, PyObject *unused)
{
    c->steps_scheduled = false;
    task_steps(c);
    Py_RETURN_NONE;
}

static PyObject *core_flush(Core *c, PyObject *unused)
{
    c->flush_scheduled = false;
    if (c->q)
        answer_flush(c);
    Py_RETURN_NONE;
}

/*
 * Answers a running call, from any thread. A call that no longer runs was given up by the unload and has its answer.
 * An invalid payload raises TypeError, and the call keeps running.
 */
static PyObject *core_answer(Core *c, PyObject *args)
{
    PyObject *id, *payload;
    int status;
    if (!PyArg_ParseTuple(args, "OiO", &id, &status, &payload))
        return NULL;
    unsigned long long number = PyLong_AsUnsignedLongLong(id);
    if (PyErr_Occurred())
        return NULL;
    payload = answer_payload(Py_NewRef(payload));
    resty_ffi_frame f;
    if (!payload || answer_fill(&f, number, status, payload) < 0) {
        Py_XDECREF(payload);
        return NULL;
    }
    PyObject *call = Py_XNewRef(PyDict_GetItemWithError(c->running, id));
    if (call && PyDict_DelItem(c->running, id) == 0) {
        if (stream_check(call)) {
            if (!stream_is_threaded(call))
                answer_flush(c); /* its messages come first */
            stream_answered(call);
        }
        resty_ffi_send(c->q, &f, 1);
    } else {
        PyErr_Clear();
    }
    Py_XDECREF(call);
    Py_DECREF(payload);
    Py_RETURN_NONE;
}

/* Names the calling thread for the system's tools. Python does that only from 3.14 on. */
static PyObject *core_name_thread(PyObject *unused, PyObject *unused_too)
{
    pthread_setname_np(pthread_self(), "ffi-python");
    Py_RETURN_NONE;
}

static PyMethodDef core_methods[] = {
    {"answer", (PyCFunction)core_answer, METH_VARARGS, NULL},
    {"close", (PyCFunction)core_close, METH_NOARGS, NULL},
    {"dict", (PyCFunction)core_dict, METH_VARARGS, NULL},
    {"drain", (PyCFunction)core_drain, METH_NOARGS, NULL},
    {"fail", (PyCFunction)core_fail, METH_VARARGS, NULL},
    {"finish", (PyCFunction)core_finish, METH_VARARGS, NULL},
    {"flush", (PyCFunction)core_flush, METH_NOARGS, NULL},
    {"forget", (PyCFunction)core_forget, METH_NOARGS, NULL},
    {"log", (PyCFunction)core_log, METH_VARARGS, NULL},
    {"name_thread", core_name_thread, METH_NOARGS | METH_STATIC, NULL},
    {"prepare", (PyCFunction)core_prepare, METH_VARARGS, NULL},
    {"serve", (PyCFunction)core_serve, METH_NOARGS, NULL},
    {"setting", (PyCFunction)core_setting, METH_VARARGS, NULL},
    {"take_steps", (PyCFunction)core_take_steps, METH_NOARGS, NULL},
    {"use_loop", (PyCFunction)core_use_loop, METH_VARARGS, NULL},
    {"watch", (PyCFunction)core_watch, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef core_getset[] = {
    {"name", (getter)core_name, NULL, NULL, NULL},
    {"abi", (getter)core_abi, NULL, NULL, NULL},
    {"config", (getter)core_config, NULL, NULL, NULL},
    {"config_address", (getter)core_config_address, NULL, NULL, NULL},
    {"generation", (getter)core_generation, NULL, NULL, NULL},
    {"reuses_tasks", (getter)core_reuses_tasks, NULL, NULL, NULL},
    {"running", (getter)core_running, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject core_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_resty_ffi.Core",
    .tp_basicsize = sizeof(Core),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "One loaded runtime's end of its queue.",
    .tp_new = core_new,
    .tp_dealloc = (destructor)core_dealloc,
    .tp_methods = core_methods,
    .tp_getset = core_getset,
};
