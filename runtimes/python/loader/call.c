#include "call.h"

PyObject *request_bytes(const resty_ffi_frame *f)
{
    if (f->flags & RESTY_FFI_NIL)
        return Py_NewRef(Py_None);
    return PyBytes_FromStringAndSize(f->data, (Py_ssize_t)f->len);
}

PyObject *call_context(Core *c, const Method *m, const resty_ffi_frame *f)
{
    PyObject *deadline = PyLong_FromUnsignedLongLong(f->deadline);
    if (!deadline)
        return NULL;
    PyObject *context = PyObject_CallFunctionObjArgs(c->context_type, c->runtime, m->name, deadline, NULL);
    Py_DECREF(deadline);
    return context;
}
