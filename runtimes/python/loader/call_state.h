/* The type CallState, as Python sees it. */
#ifndef RESTY_FFI_PYTHON_CALL_STATE_H
#define RESTY_FFI_PYTHON_CALL_STATE_H

#include "core.h"

extern PyTypeObject call_state_type;

bool call_state_check(PyObject *object);

#endif
