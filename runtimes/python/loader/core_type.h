/* The type Core, as Python sees it. */
#ifndef RESTY_FFI_PYTHON_CORE_TYPE_H
#define RESTY_FFI_PYTHON_CORE_TYPE_H

#include "core.h"

extern PyTypeObject core_type;

#endif
