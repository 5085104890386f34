/*
 * The one interpreter of the process. Its settings come from the build (PYTHON_EXECUTABLE, PYTHON_HOME,
 * PYTHON_SONAME), never from PATH: a `python3` found there may be another version, with another standard library.
 */
#ifndef RESTY_FFI_PYTHON_INTERPRETER_H
#define RESTY_FFI_PYTHON_INTERPRETER_H

#include <stdbool.h>

/* Starts Python if need be. 0, or -1 and a sentence in *why. */
int interpreter_start(const char **why);
/* Whether the process is this runtime's own, and its main thread Python's. */
bool interpreter_owns_process(void);

#endif
