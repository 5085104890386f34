/* A call of a plain handler that was opened as a stream, and whose request has not come yet. */
#ifndef RESTY_FFI_PYTHON_HELD_H
#define RESTY_FFI_PYTHON_HELD_H

#include "core.h"

extern PyTypeObject held_type;

/* -1 and an exception if there is no memory. */
int held_add(Core *c, const Method *m, const resty_ffi_frame *f);
bool held_check(PyObject *call);
/* The request has come in `f`. Returns the frame of a plain call with that request, and ends the hold. */
resty_ffi_frame held_release(PyObject *call, resty_ffi_frame *f);

#endif
