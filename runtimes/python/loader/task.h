/* `async def` handlers, of plain calls and of streams. */
#ifndef RESTY_FFI_PYTHON_TASK_H
#define RESTY_FFI_PYTHON_TASK_H

#include "core.h"

/* `marks`: functions that each do to a task what a handler may do to it. */
int task_setup(Core *c, PyObject *task_type, PyObject *marks);
void task_call(Core *c, const Method *m, resty_ffi_frame *f);
void task_stream(Core *c, const Method *m, resty_ffi_frame *f);
/* After the first steps of a batch: no task is current. */
void task_leave(Core *c);
/* Takes the next step of each call that was woken. */
void task_steps(Core *c);
void task_forget(Core *c);

#endif
