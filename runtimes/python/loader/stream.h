/* Streams. A stream is an object in core->running, like every call that is not answered yet. */
#ifndef RESTY_FFI_PYTHON_STREAM_H
#define RESTY_FFI_PYTHON_STREAM_H

#include "core.h"

extern PyTypeObject stream_type;

PyObject *stream_open(Core *c, const Method *m, const resty_ffi_frame *f);
bool stream_check(PyObject *call);
bool stream_is_threaded(PyObject *stream);
/* The coroutine of this CallState awaits the stream. False: it is not that of its handler. */
bool stream_park(PyObject *stream, PyObject *state);
/* Says what is to be told of a cancellation: an object with cancel_call(), of an `async def` handler its CallState. */
void stream_tell(PyObject *stream, PyObject *told);
/* DATA or WINDOW. What it keeps of the payload it takes out of the frame. */
void stream_frame(PyObject *stream, resty_ffi_frame *f);
/* Its end has been sent: whoever still waits gets an error. */
void stream_answered(PyObject *stream);

#endif
