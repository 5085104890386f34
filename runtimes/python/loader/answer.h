/* Answers: from what a handler returned or raised to frames, gathered and sent together. */
#ifndef RESTY_FFI_PYTHON_ANSWER_H
#define RESTY_FFI_PYTHON_ANSWER_H

#include "core.h"

/* These take the reference to the payload or text, and the request `release` along with the answer. */
void answer_result(Core *c, PyObject *method, uint64_t id, void *release, PyObject *result);
void answer_exception(Core *c, PyObject *method, uint64_t id, void *release, bool told);
void answer_status(Core *c, uint64_t id, void *release, int status, PyObject *payload);
/* Turns a handler's result into bytes, str or None; takes the reference; NULL and an exception for any other result. */
PyObject *answer_payload(PyObject *result);
/* Points the frame into payload, which must outlive the send. -1 and an exception for a str that UTF-8 cannot carry. */
int answer_fill(resty_ffi_frame *f, uint64_t id, int status, PyObject *payload);
void answer_flush(Core *c);
/* Adds a frame to the next batch, with what its data points into; takes the reference. */
void answer_frame(Core *c, const resty_ffi_frame *f, PyObject *keep);
/* After an answer outside a dispatch: sends at once if no other call runs, otherwise with the loop's next turn. */
void answer_soon(Core *c);

#endif
