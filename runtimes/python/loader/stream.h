/* Streams. A stream is an object in core->running, like every call that is not answered yet. */
#ifndef RESTY_FFI_PYTHON_STREAM_H
#define RESTY_FFI_PYTHON_STREAM_H

#include "core.h"

extern PyTypeObject stream_type;

PyObject *stream_open(Core *c, const Method *m, const resty_ffi_frame *f);
bool stream_check(PyObject *call);
bool stream_is_threaded(PyObject *stream);
/* Parks the task of this CallState until the stream wakes it. False if it is not the task of the stream's handler. */
bool stream_park(PyObject *stream, PyObject *state);
/* Sets the object whose cancel_call() hears of a cancellation: the CallState of an `async def` handler. */
void stream_tell(PyObject *stream, PyObject *told);
/* Handles DATA or WINDOW. Takes the payload out of the frame if it keeps it. */
void stream_frame(PyObject *stream, resty_ffi_frame *f);
/* The end of the stream has been sent: everything that still waits gets an error. */
void stream_answered(PyObject *stream);

#endif
