/* What a handler is called with. */
#ifndef RESTY_FFI_PYTHON_CALL_H
#define RESTY_FFI_PYTHON_CALL_H

#include "core.h"

/* The payload of a frame: bytes, or None. */
PyObject *request_bytes(const resty_ffi_frame *f);
PyObject *call_context(Core *c, const Method *m, const resty_ffi_frame *f);

#endif
