/* What the loader asks of a runtime's asyncio loop. */
#ifndef RESTY_FFI_PYTHON_LOOP_H
#define RESTY_FFI_PYTHON_LOOP_H

#include "core.h"

int loop_setup(Core *c, PyObject *loop);
void loop_forget(Core *c);
int loop_enter(Core *c, PyObject *task);
int loop_leave(Core *c, PyObject *task);
/* Whether the running code is that of this task. -1 and an exception. */
int loop_is_current(Core *c, PyObject *task);
/* Lets the CallState take a step at the end of the dispatch, or with the loop's next turn. -1 and an exception. */
int loop_wake(Core *c, PyObject *state);

#endif
