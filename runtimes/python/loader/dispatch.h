/* From frames to handlers. */
#ifndef RESTY_FFI_PYTHON_DISPATCH_H
#define RESTY_FFI_PYTHON_DISPATCH_H

#include "core.h"

void dispatch(Core *c, resty_ffi_frame *f, int n);
void dispatch_forget(Core *c);

#endif
