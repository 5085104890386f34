/*
 * libffi_init of libffi_python3.so. cffi's embedding code, generated around this file, makes the Python function
 * resty_ffi_python_load callable from C. This file prepares that call: the interpreter, sys.path, the module
 * _resty_ffi.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call_state.h"
#include "core_type.h"
#include "exception.h"
#include "held.h"
#include "interpreter.h"
#include "stream.h"

static int resty_ffi_python_load(void *q);
static void resty_ffi_python_main(void);
static int cffi_start_python(void);

static void fail(resty_ffi_queue *q, const char *format, const char *detail)
{
    char *text;
    int n = asprintf(&text, format, resty_ffi_name(q), detail);
    if (n < 0)
        return;
    resty_ffi_fail(q, text, (size_t)n);
    free(text);
}

/* Fails the load with the current exception: its last line first, then the whole traceback. */
static void fail_with_exception(resty_ffi_queue *q)
{
    PyObject *exception = take_exception(), *traceback = PyImport_ImportModule("traceback");
    PyObject *lines = traceback ? PyObject_CallMethod(traceback, "format_exception", "O", exception) : NULL;
    PyObject *none = PyUnicode_FromString(""), *text = lines && none ? PyUnicode_Join(none, lines) : NULL;
    PyObject *last = PyObject_Str(exception);
    PyObject *whole = text && last ? PyUnicode_FromFormat("%s: %U\n%U", Py_TYPE(exception)->tp_name, last, text) : NULL;
    const char *utf8 = whole ? PyUnicode_AsUTF8(whole) : NULL;
    fail(q, "runtime \"%s\" cannot set up Python: %s", utf8 ? utf8 : Py_TYPE(exception)->tp_name);
    PyErr_Clear();
    Py_XDECREF(whole);
    Py_XDECREF(last);
    Py_XDECREF(text);
    Py_XDECREF(none);
    Py_XDECREF(lines);
    Py_XDECREF(traceback);
    Py_XDECREF(exception);
}

/* The folder `python` beside this library: what we import comes from there. */
static PyObject *bundle(void)
{
    Dl_info here;
    char *library = dladdr((void *)libffi_init, &here) ? realpath(here.dli_fname, NULL) : NULL;
    char *slash = library ? strrchr(library, '/') : NULL;
    PyObject *folder = slash ? PyUnicode_DecodeFSDefaultAndSize(library, slash - library) : NULL;
    free(library);
    if (!folder) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_FileNotFoundError, "cannot find the folder of libffi_python3.so");
        return NULL;
    }
    PyObject *path = PyUnicode_FromFormat("%U/python", folder),
             *encoded = path ? PyUnicode_EncodeFSDefault(path) : NULL;
    Py_DECREF(folder);
    if (encoded && access(PyBytes_AS_STRING(encoded), R_OK | X_OK) != 0) {
        PyErr_Format(PyExc_FileNotFoundError, "%U, a part of the loader, is missing or not readable", path);
        Py_CLEAR(path);
    }
    Py_XDECREF(encoded);
    return path;
}

/*
 * CPython's C code holds sys.modules itself, so no other object can take its place. It does accept a subclass of dict:
 * sys.modules becomes an instance of one (resty_ffi/_modules.py) that has the layout of dict.
 */
static PyObject *change_type(PyObject *unused, PyObject *args)
{
    PyObject *object;
    PyTypeObject *type;
    if (!PyArg_ParseTuple(args, "OO!", &object, &PyType_Type, &type))
        return NULL;
    if (!PyType_IsSubtype(type, Py_TYPE(object)) || type->tp_basicsize != Py_TYPE(object)->tp_basicsize) {
        PyErr_Format(PyExc_TypeError, "%s does not have the layout of %s", type->tp_name, Py_TYPE(object)->tp_name);
        return NULL;
    }
    Py_INCREF(type);
    Py_SET_TYPE(object, type);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {{"change_type", change_type, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module_def = {PyModuleDef_HEAD_INIT, .m_name = "_resty_ffi", .m_size = -1,
                                        .m_methods = functions};

/* Once: puts our folder first on sys.path and creates the module _resty_ffi. */
static int set_up(void)
{
    static bool done;
    if (done)
        return 0;
    PyObject *path = PySys_GetObject("path"), *entry = bundle();
    PyObject *module = NULL, *loaded = NULL, *backend = NULL;
    if (path && entry && PyList_Insert(path, 0, entry) == 0 && PyType_Ready(&core_type) == 0 &&
        PyType_Ready(&call_state_type) == 0 && PyType_Ready(&held_type) == 0 && PyType_Ready(&stream_type) == 0)
        module = PyModule_Create(&module_def);
    if (module && PyModule_AddObjectRef(module, "Core", (PyObject *)&core_type) == 0 &&
        PyModule_AddObjectRef(module, "CallState", (PyObject *)&call_state_type) == 0 &&
        PyModule_AddObjectRef(module, "own_process", interpreter_owns_process() ? Py_True : Py_False) == 0 &&
        PyDict_SetItemString(PyImport_GetModuleDict(), "_resty_ffi", module) == 0)
        loaded = PyImport_ImportModule("resty_ffi._load");
    /* cffi imports it, too, but would report a failure on standard error. */
    if (loaded)
        backend = PyImport_ImportModule("_cffi_backend");
    done = backend != NULL;
    Py_XDECREF(backend);
    Py_XDECREF(loaded);
    Py_XDECREF(module);
    Py_XDECREF(entry);
    return done ? 0 : -1;
}

/* A reload brings new Python code into this process: libffi_init is called again. */
__attribute__((visibility("default"))) int libffi_reload = 1;

__attribute__((visibility("default"))) int libffi_init(char *cfg, void *tq)
{
    (void)cfg; /* resty_ffi_config also has its length */
    const char *why;
    if (interpreter_start(&why) < 0) {
        fail(tq, "runtime \"%s\": Python " PY_VERSION " in " PYTHON_HOME " does not start: %s", why);
        return 1;
    }
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock); /* before the GIL, which an import may release */
    PyGILState_STATE gil = PyGILState_Ensure();
    int ready = set_up();
    if (ready < 0)
        fail_with_exception(tq);
    PyGILState_Release(gil);
    pthread_mutex_unlock(&lock);
    if (ready < 0)
        return 1;
    if (cffi_start_python() < 0) {
        fail(tq, "runtime \"%s\": cffi does not start; %s", "its own message is on standard error");
        return 1;
    }
    return resty_ffi_python_load(tq);
}

/* Serves on the main thread of a process that belongs to this runtime. */
__attribute__((visibility("default"))) void libffi_main(void *tq)
{
    (void)tq;
    resty_ffi_python_main();
}
