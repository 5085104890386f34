#include "held.h"

typedef struct {
    PyObject_HEAD Core *core;
    PyObject *id; /* the key in core->running */
    PyObject *method;
    resty_ffi_frame call;
} Held;

bool held_check(PyObject *call)
{
    return Py_IS_TYPE(call, &held_type);
}

int held_add(Core *c, const Method *m, const resty_ffi_frame *f)
{
    PyObject *id = PyLong_FromUnsignedLongLong(f->id);
    Held *h = id ? PyObject_New(Held, &held_type) : NULL;
    if (!h) {
        Py_XDECREF(id);
        return -1;
    }
    h->core = (Core *)Py_NewRef((PyObject *)c);
    h->id = id;
    h->method = Py_NewRef(m->name);
    h->call = *f;
    int added = PyDict_SetItem(c->running, id, (PyObject *)h);
    Py_DECREF(h);
    return added;
}

resty_ffi_frame held_release(PyObject *call, resty_ffi_frame *f)
{
    Held *h = (Held *)call;
    resty_ffi_frame whole = h->call;
    whole.data = f->data;
    whole.len = f->len;
    whole.flags = f->flags & (RESTY_FFI_END | RESTY_FFI_NIL);
    f->data = NULL;
    Py_INCREF(h);
    if (PyDict_DelItem(h->core->running, h->id) < 0)
        PyErr_Clear();
    Py_DECREF(h);
    return whole;
}

static PyObject *cancel_call(Held *h, PyObject *unused)
{
    PyObject *text = PyUnicode_FromFormat("the call of \"%U\" was cancelled before its request came", h->method);
    PyObject *done =
        text ? PyObject_CallMethod((PyObject *)h->core, "answer", "OiO", h->id, (int)RESTY_FFI_CANCELLED, text) : NULL;
    Py_XDECREF(text);
    return done;
}

static void dealloc(Held *h)
{
    Py_DECREF(h->method);
    Py_DECREF(h->id);
    Py_DECREF((PyObject *)h->core);
    PyObject_Free(h);
}

static PyMethodDef methods[] = {
    {"cancel_call", (PyCFunction)cancel_call, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject held_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_resty_ffi.Held",
    .tp_basicsize = sizeof(Held),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "A call whose request has not come yet.",
    .tp_dealloc = (destructor)dealloc,
    .tp_methods = methods,
};
