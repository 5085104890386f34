/* The current exception, in every version of Python. */
#ifndef RESTY_FFI_PYTHON_EXCEPTION_H
#define RESTY_FFI_PYTHON_EXCEPTION_H

#include "core.h"

/* The current exception as one object with its traceback; clears it. */
PyObject *take_exception(void);
/* Makes it the current one again; takes the reference. */
void raise_again(PyObject *exception);

#endif
