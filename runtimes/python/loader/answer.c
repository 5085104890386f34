#include "answer.h"

#include "exception.h"

void answer_flush(Core *c)
{
    int n = c->out_count;
    if (!n)
        return;
    c->out_count = 0;
    resty_ffi_send(c->q, c->out, n);
    for (int i = 0; i < n; i++)
        Py_DECREF(c->keep[i]);
}

void answer_frame(Core *c, const resty_ffi_frame *f, PyObject *keep)
{
    if (c->out_count == BATCH)
        answer_flush(c);
    c->out[c->out_count] = *f;
    c->keep[c->out_count++] = keep;
}

void answer_soon(Core *c)
{
    if (c->dispatching || c->flush_scheduled)
        return;
    if (PyDict_GET_SIZE(c->running) == 0) {
        answer_flush(c);
        return;
    }
    PyObject *handle = PyObject_CallOneArg(c->call_soon, c->flush_method);
    if (handle) {
        c->flush_scheduled = true;
        Py_DECREF(handle);
    } else { /* the loop is closed */
        PyErr_Clear();
        answer_flush(c);
    }
}

PyObject *answer_payload(PyObject *result)
{
    if (PyBytes_Check(result) || PyUnicode_Check(result) || result == Py_None)
        return result;
    PyObject *bytes = NULL;
    if (PyObject_CheckBuffer(result)) {
        /* A copy at once: the author may go on writing into a bytearray before this batch is sent. */
        bytes = PyBytes_FromObject(result);
    } else if (PyCoro_CheckExact(result)) {
        PyObject *closed = PyObject_CallMethod(result, "close", NULL);
        if (closed)
            PyErr_SetString(PyExc_TypeError, "a plain handler returned a coroutine: register it as `async def`");
        Py_XDECREF(closed);
    } else {
        PyErr_Format(PyExc_TypeError, "a handler answers with bytes, str or None, and this one returned %.100s",
                     Py_TYPE(result)->tp_name);
    }
    Py_DECREF(result);
    return bytes;
}

int answer_fill(resty_ffi_frame *f, uint64_t id, int status, PyObject *payload)
{
    Py_ssize_t len = 0;
    const char *data = NULL;
    if (PyBytes_Check(payload)) {
        data = PyBytes_AS_STRING(payload);
        len = PyBytes_GET_SIZE(payload);
    } else if (payload != Py_None && !(data = PyUnicode_AsUTF8AndSize(payload, &len))) {
        return -1;
    }
    *f = (resty_ffi_frame){
        .id = id,
        .kind = RESTY_FFI_DATA,
        .flags = RESTY_FFI_END | (data ? RESTY_FFI_COPY : RESTY_FFI_NIL),
        .status = status,
        .data = (void *)data,
        .len = (uint64_t)len,
    };
    return 0;
}

void answer_status(Core *c, uint64_t id, void *release, int status, PyObject *payload)
{
    if (c->out_count == BATCH)
        answer_flush(c);
    resty_ffi_frame *f = &c->out[c->out_count];
    if (answer_fill(f, id, status, payload) < 0) {
        Py_DECREF(payload);
        answer_exception(c, Py_None, id, release, false);
        return;
    }
    f->release = release;
    c->keep[c->out_count++] = payload;
}

void answer_result(Core *c, PyObject *method, uint64_t id, void *release, PyObject *result)
{
    PyObject *payload = PyBytes_CheckExact(result) ? result : answer_payload(result);
    if (payload)
        answer_status(c, id, release, RESTY_FFI_OK, payload);
    else
        answer_exception(c, method, id, release, false);
}

void answer_exception(Core *c, PyObject *method, uint64_t id, void *release, bool told)
{
    PyObject *exception = take_exception();
    PyObject *pair = PyObject_CallMethod(c->owner, "failed", "OOO", method, exception, told ? Py_True : Py_False);
    Py_DECREF(exception);
    int status = RESTY_FFI_THREW;
    PyObject *text = NULL;
    if (!pair || !PyArg_ParseTuple(pair, "iS", &status, &text)) {
        PyErr_WriteUnraisable(method);
        text = PyBytes_FromString("the handler failed, and so did the report of its exception");
        if (!text)
            Py_FatalError("no memory for an error's text");
    } else {
        Py_INCREF(text);
    }
    Py_XDECREF(pair);
    answer_status(c, id, release, status, text);
}
