#include "loop.h"

int loop_setup(Core *c, PyObject *loop)
{
    PyObject *tasks = PyImport_ImportModule("asyncio.tasks");
    if (tasks) {
        c->enter_task = PyObject_GetAttrString(tasks, "_enter_task");
        c->leave_task = PyObject_GetAttrString(tasks, "_leave_task");
        c->current_task = PyObject_GetAttrString(tasks, "current_task");
        c->call_soon = PyObject_GetAttrString(loop, "call_soon");
        c->flush_method = PyObject_GetAttrString((PyObject *)c, "flush");
        c->drain_method = PyObject_GetAttrString((PyObject *)c, "drain");
        c->steps_method = PyObject_GetAttrString((PyObject *)c, "take_steps");
    }
    Py_XDECREF(tasks);
    if (PyErr_Occurred())
        return -1;
    c->loop = Py_NewRef(loop);
    return 0;
}

void loop_forget(Core *c)
{
    Py_CLEAR(c->woken);
    Py_CLEAR(c->enter_task);
    Py_CLEAR(c->leave_task);
    Py_CLEAR(c->current_task);
    Py_CLEAR(c->call_soon);
    Py_CLEAR(c->flush_method);
    Py_CLEAR(c->drain_method);
    Py_CLEAR(c->steps_method);
    Py_CLEAR(c->loop);
}

static int switch_task(Core *c, PyObject *function, PyObject *task)
{
    PyObject *args[2] = {c->loop, task};
    PyObject *done = PyObject_Vectorcall(function, args, 2, NULL);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

int loop_enter(Core *c, PyObject *task)
{
    return switch_task(c, c->enter_task, task);
}

int loop_leave(Core *c, PyObject *task)
{
    return switch_task(c, c->leave_task, task);
}

int loop_is_current(Core *c, PyObject *task)
{
    PyObject *current = PyObject_CallOneArg(c->current_task, c->loop);
    Py_XDECREF(current);
    return current ? current == task : -1;
}

int loop_wake(Core *c, PyObject *state)
{
    if (!c->woken && !(c->woken = PyList_New(0)))
        return -1;
    if (PyList_Append(c->woken, state) < 0)
        return -1;
    if (c->collecting || c->steps_scheduled)
        return 0;
    PyObject *handle = PyObject_CallOneArg(c->call_soon, c->steps_method);
    if (!handle) { /* the loop is closed */
        Py_CLEAR(c->woken);
        return -1;
    }
    c->steps_scheduled = true;
    Py_DECREF(handle);
    return 0;
}
