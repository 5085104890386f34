/*
 * A Python loader as lua-resty-ffi has one: the first libffi_init starts the interpreter and keeps its thread state,
 * which is taken up again at the end of the process. Configuration: module,function,configuration.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

static PyThreadState *first;

static int call(const char *module, const char *function, const char *cfg, void *tq)
{
    long rc = 1;
    PyObject *m = PyImport_ImportModule(module);
    PyObject *result =
        m ? PyObject_CallMethod(m, function, "NN", PyLong_FromVoidPtr((void *)cfg), PyLong_FromVoidPtr(tq)) : NULL;
    if (result)
        rc = PyLong_AsLong(result);
    if (PyErr_Occurred())
        PyErr_Print();
    Py_XDECREF(result);
    Py_XDECREF(m);
    return (int)rc;
}

int libffi_init(char *cfg, void *tq)
{
    if (!first) {
        Py_Initialize();
        first = PyEval_SaveThread();
    }
    char *module = strsep(&cfg, ","), *function = strsep(&cfg, ",");
    PyGILState_STATE state = PyGILState_Ensure();
    int rc = call(module, function, cfg, tq);
    PyGILState_Release(state);
    return rc;
}

__attribute__((destructor)) static void end(void)
{
    if (first) {
        PyEval_RestoreThread(first);
        Py_Finalize();
    }
}
