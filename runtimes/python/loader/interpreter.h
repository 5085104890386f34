/*
 * The one interpreter of the process. Its settings come from the build (PYTHON_EXECUTABLE, PYTHON_HOME,
 * PYTHON_SONAME), never from PATH: a `python3` found there may be another version, with another standard library.
 */
#ifndef RESTY_FFI_PYTHON_INTERPRETER_H
#define RESTY_FFI_PYTHON_INTERPRETER_H

#include <stdbool.h>

/* Starts Python if it does not run yet. Returns 0, or -1 and the reason in *why. */
int interpreter_start(const char **why);
/* Whether the process belongs to this runtime alone, with Python on its main thread. */
bool interpreter_owns_process(void);

#endif
