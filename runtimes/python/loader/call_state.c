#include "call_state.h"

#include <structmember.h>

bool call_state_check(PyObject *object)
{
    return Py_IS_TYPE(object, &call_state_type);
}

/* The host no longer waits for this call. */
static PyObject *cancel_call(CallState *s, PyObject *unused)
{
    s->told = true;
    if (s->call) {
        PyObject *done = PyObject_CallMethod(s->call, "cancel_call", NULL);
        if (!done)
            return NULL;
        Py_DECREF(done);
    }
    return s->task ? PyObject_CallMethod(s->task, "cancel", NULL) : Py_NewRef(Py_False);
}

static int traverse(CallState *s, visitproc visit, void *arg)
{
    Py_VISIT(s->task);
    Py_VISIT(s->coro);
    Py_VISIT(s->context);
    Py_VISIT(s->waiter);
    Py_VISIT(s->call);
    Py_VISIT(s->call_id);
    Py_VISIT(s->method);
    Py_VISIT(s->stream);
    return 0;
}

static int clear(CallState *s)
{
    Py_CLEAR(s->task);
    Py_CLEAR(s->coro);
    Py_CLEAR(s->context);
    Py_CLEAR(s->waiter);
    Py_CLEAR(s->call);
    Py_CLEAR(s->call_id);
    Py_CLEAR(s->method);
    Py_CLEAR(s->stream);
    return 0;
}

static void dealloc(CallState *s)
{
    PyObject_GC_UnTrack(s);
    clear(s);
    Py_TYPE(s)->tp_free(s);
}

static PyMemberDef members[] = {
    {"coro", T_OBJECT, offsetof(CallState, coro), READONLY, NULL},
    {"context", T_OBJECT, offsetof(CallState, context), READONLY, NULL},
    {"waiter", T_OBJECT, offsetof(CallState, waiter), READONLY, NULL},
    {"method", T_OBJECT, offsetof(CallState, method), READONLY, NULL},
    {"cancels", T_INT, offsetof(CallState, cancels), 0, NULL},
    {"must_cancel", T_BOOL, offsetof(CallState, must_cancel), 0, NULL},
    {"marked", T_BOOL, offsetof(CallState, marked), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef methods[] = {
    {"cancel_call", (PyCFunction)cancel_call, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject call_state_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_resty_ffi.CallState",
    .tp_basicsize = sizeof(CallState),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "How far an `async def` handler has come.",
    .tp_new = PyType_GenericNew,
    .tp_traverse = (traverseproc)traverse,
    .tp_clear = (inquiry)clear,
    .tp_dealloc = (destructor)dealloc,
    .tp_methods = methods,
    .tp_members = members,
};
