/*
 * A stream keeps the client's messages until the handler takes them, and no more of them than the window allows. The
 * handler's messages are never kept: a send waits for the window. Python code (resty_ffi/_stream.py) takes and sends.
 * There are three ways to wait. A thread sleeps. The handler's task is parked; it takes its next step at the end of the
 * batch of frames that wakes it, without a turn of the loop. Any other task of the loop waits for a future.
 */
#include "stream.h"

#include <semaphore.h>

#include "answer.h"
#include "call.h"
#include "call_state.h"
#include "clock.h"
#include "exception.h"
#include "loop.h"

enum { READABLE = 0, WRITABLE = 1, NOT_PARKED = -1 };

typedef struct {
    PyObject_HEAD Core *core;
    PyObject *owner;  /* Service: it outlives the core's own reference */
    PyObject *id;     /* the key in core->running */
    PyObject *method; /* the name */
    PyObject *told;   /* learns about a cancellation: CallState or Context; NULL before the handler has begun */
    resty_ffi_frame call;
    uint64_t due;   /* consumed, and not yet given back */
    int64_t window; /* what may still be sent */

    PyObject **messages; /* a ring; an exception in it is raised in a message's place */
    uint32_t head, count, size;

    bool threaded;  /* the handler has a thread of its own, which waits */
    bool first;     /* the oldest message came with the call, and costs nothing */
    bool ended;     /* the client has closed its direction */
    bool cancelled; /* nobody waits for this stream */
    bool over;      /* the handler is done, or was given up */

    int wanted;   /* what the handler's task is about to wait for */
    int parked;   /* what it waits for, or NOT_PARKED */
    bool yielded; /* half-way through `await stream.wait(…)` */

    PyObject *futures[2]; /* lists of what waits on the loop, or NULL */
    int sleepers[2];      /* threads that wait */
    sem_t wake[2];
} Stream;

bool stream_check(PyObject *call)
{
    return Py_IS_TYPE(call, &stream_type);
}

/* ---- Waiting ---- */

static void settle(PyObject *future)
{
    PyObject *done = PyObject_CallMethod(future, "done", NULL), *set = NULL;
    if (done == Py_False)
        set = PyObject_CallMethod(future, "set_result", "O", Py_None);
    if (!done || (done == Py_False && !set))
        PyErr_WriteUnraisable(future); /* its loop is closed */
    Py_XDECREF(set);
    Py_XDECREF(done);
}

/* The handler's task may go on. */
static void unpark(Stream *s)
{
    s->parked = NOT_PARKED;
    if (s->core->loop && s->told && loop_wake(s->core, s->told) < 0)
        PyErr_WriteUnraisable(s->told);
}

static void wake(Stream *s, int which)
{
    if (s->parked == which)
        unpark(s);
    for (; s->sleepers[which]; s->sleepers[which]--)
        sem_post(&s->wake[which]);
    PyObject *futures = s->futures[which];
    if (!futures)
        return;
    s->futures[which] = NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(futures); i++)
        settle(PyList_GET_ITEM(futures, i));
    Py_DECREF(futures);
}

static void sleep_until_woken(Stream *s, int which)
{
    s->sleepers[which]++;
    Py_BEGIN_ALLOW_THREADS while (sem_wait(&s->wake[which]) != 0) continue;
    Py_END_ALLOW_THREADS
}

/* Drops futures whose tasks gave up waiting: a handler may retry with a time limit any number of times. */
static int drop_done(PyObject *futures)
{
    for (Py_ssize_t i = PyList_GET_SIZE(futures) - 1; i >= 0; i--) {
        PyObject *done = PyObject_CallMethod(PyList_GET_ITEM(futures, i), "done", NULL);
        Py_XDECREF(done);
        if (!done || (done == Py_True && PyList_SetSlice(futures, i, i + 1, NULL) < 0))
            return -1;
    }
    return 0;
}

/* Whether the handler's own task is running. Before its first step ends that is the core's current task. */
static int is_in_handler(Stream *s)
{
    CallState *state = s->told && call_state_check(s->told) ? (CallState *)s->told : s->core->current;
    return state && state->task ? loop_is_current(s->core, state->task) : 0;
}

/* Something to await until there may be a message, or a window. */
static PyObject *stream_wait(Stream *s, PyObject *argument)
{
    long which = PyLong_AsLong(argument);
    if (which == -1 && PyErr_Occurred())
        return NULL;
    if (!s->core->loop) {
        PyErr_SetString(PyExc_RuntimeError, "this runtime has been unloaded");
        return NULL;
    }
    int own = is_in_handler(s);
    if (own < 0)
        return NULL;
    if (own) {
        s->wanted = (int)which;
        s->yielded = false;
        return Py_NewRef((PyObject *)s);
    }
    PyObject *future = PyObject_CallMethod(s->core->loop, "create_future", NULL);
    if (future && !s->futures[which])
        s->futures[which] = PyList_New(0);
    if (!future || !s->futures[which] || drop_done(s->futures[which]) < 0 ||
        PyList_Append(s->futures[which], future) < 0)
        Py_CLEAR(future);
    return future;
}

/* `await stream` yields the stream once, so that the step parks the task; when it resumes, the await is over. */
static PyObject *stream_next(Stream *s)
{
    s->yielded = !s->yielded;
    return s->yielded ? Py_NewRef((PyObject *)s) : NULL;
}

bool stream_park(PyObject *stream, PyObject *state)
{
    Stream *s = (Stream *)stream;
    if (s->told != state)
        return false;
    s->parked = s->wanted;
    return true;
}

/* Acts like Future.cancel: the task goes on and finds that it is cancelled, which it remembers itself. */
static PyObject *stream_cancel(Stream *s, PyObject *args, PyObject *kwds)
{
    if (s->parked != NOT_PARKED)
        unpark(s);
    Py_RETURN_FALSE;
}

/* ---- What the host says ---- */

/* Takes the message. */
static void keep_message(Stream *s, PyObject *message)
{
    if (s->count == s->size) {
        uint32_t size = s->size ? 2 * s->size : 8;
        PyObject **bigger = PyMem_Malloc(size * sizeof *bigger);
        if (!bigger)
            Py_FatalError("no memory for the messages of a stream");
        for (uint32_t i = 0; i < s->count; i++)
            bigger[i] = s->messages[(s->head + i) % s->size];
        PyMem_Free(s->messages);
        s->messages = bigger;
        s->size = size;
        s->head = 0;
    }
    s->messages[(s->head + s->count++) % s->size] = message;
}

static void receive(Stream *s, const resty_ffi_frame *f)
{
    if (!(f->flags & RESTY_FFI_NIL)) {
        PyObject *message = request_bytes(f);
        keep_message(s, message ? message : take_exception());
    }
    if (f->flags & RESTY_FFI_END)
        s->ended = true;
}

void stream_frame(PyObject *stream, resty_ffi_frame *f)
{
    Stream *s = (Stream *)Py_NewRef(stream);
    if (f->kind == RESTY_FFI_WINDOW) {
        s->window += (int64_t)f->arg;
        if (s->window > 0)
            wake(s, WRITABLE);
    } else if (!s->ended && !s->over) {
        receive(s, f);
        wake(s, READABLE);
    }
    Py_DECREF(s);
}

/* ---- The end ---- */

static void drop_messages(Stream *s)
{
    for (; s->count; s->count--, s->head = (s->head + 1) % s->size)
        Py_DECREF(s->messages[s->head]);
}

/* The handler is done, apart from its clean-up. */
static PyObject *stream_close(Stream *s, PyObject *unused)
{
    s->over = true;
    drop_messages(s);
    wake(s, READABLE);
    wake(s, WRITABLE);
    Py_RETURN_NONE;
}

void stream_answered(PyObject *stream)
{
    Stream *s = (Stream *)Py_NewRef(stream);
    Py_XDECREF(stream_close(s, NULL));
    Py_CLEAR(s->told);
    Py_DECREF(s);
}

/* Returns NULL and sets the exception that says why nothing can be sent or received any more. */
static PyObject *refuse(Stream *s)
{
    PyObject *none =
        PyObject_CallMethod(s->owner, "stream_is_over", "OO", s->method, s->cancelled ? Py_True : Py_False);
    Py_XDECREF(none);
    return NULL;
}

static PyObject *stream_cancel_call(Stream *s, PyObject *unused)
{
    s->cancelled = true;
    PyObject *done = s->told ? PyObject_CallMethod(s->told, "cancel_call", NULL) : Py_NewRef(Py_None);
    wake(s, READABLE);
    wake(s, WRITABLE);
    return done;
}

/* ---- What the handler does ---- */

/* Sends to the host: at once from a thread, otherwise with the other frames of this turn. Takes the reference. */
static void send_frame(Stream *s, const resty_ffi_frame *f, PyObject *keep)
{
    Core *c = s->core;
    if (s->threaded) {
        resty_ffi_send(c->q, f, 1);
        Py_DECREF(keep);
        return;
    }
    uint64_t now = now_ns(), since = now - c->sent_at;
    c->sent_at = now;
    answer_frame(c, f, keep);
    /* A slow handler may not send or wait again for a long time: its frames go at once. */
    if (since > HOLD_NS)
        answer_flush(c);
    else
        answer_soon(c);
}

static void give_back(Stream *s, uint64_t cost)
{
    s->due += cost;
    if (s->ended || s->due < s->call.arg / 2)
        return;
    resty_ffi_frame f = {.id = s->call.id, .kind = RESTY_FFI_WINDOW, .arg = s->due};
    s->due = 0;
    send_frame(s, &f, Py_NewRef(Py_None));
}

/* The next message, or None if the handler has to wait for it. In a thread it waits. */
static PyObject *stream_take(Stream *s, PyObject *unused)
{
    while (!s->over && !s->cancelled) {
        if (s->count) {
            PyObject *message = s->messages[s->head];
            s->head = (s->head + 1) % s->size;
            s->count--;
            if (!PyBytes_Check(message)) {
                raise_again(message);
                return NULL;
            }
            if (!s->first)
                give_back(s, resty_ffi_cost((uint64_t)PyBytes_GET_SIZE(message)));
            s->first = false;
            return message;
        }
        if (s->ended) {
            PyErr_SetNone(s->threaded ? PyExc_StopIteration : PyExc_StopAsyncIteration);
            return NULL;
        }
        if (!s->threaded)
            Py_RETURN_NONE;
        sleep_until_woken(s, READABLE);
    }
    return refuse(s);
}

/* True if the message was sent, False if the handler has to wait for a window. In a thread it waits. */
static PyObject *stream_send(Stream *s, PyObject *message)
{
    while (!s->over && !s->cancelled && s->window <= 0) {
        if (!s->threaded)
            Py_RETURN_FALSE;
        sleep_until_woken(s, WRITABLE);
    }
    if (s->over || s->cancelled)
        return refuse(s);
    if (message == Py_None) {
        PyErr_SetString(PyExc_TypeError, "a stream's messages are bytes or str, and this one is None");
        return NULL;
    }
    resty_ffi_frame f;
    message = answer_payload(Py_NewRef(message));
    if (!message || answer_fill(&f, s->call.id, 0, message) < 0) {
        Py_XDECREF(message);
        return NULL;
    }
    f.flags = RESTY_FFI_COPY;
    s->window -= (int64_t)resty_ffi_cost(f.len);
    send_frame(s, &f, message);
    Py_RETURN_TRUE;
}

/* ---- Opening ---- */

static Stream *stream_new(Core *c, const Method *m, const resty_ffi_frame *f)
{
    Stream *s = PyObject_New(Stream, &stream_type);
    if (!s)
        return NULL;
    memset((char *)s + sizeof(PyObject), 0, sizeof *s - sizeof(PyObject));
    s->core = (Core *)Py_NewRef((PyObject *)c);
    s->owner = Py_NewRef(c->owner);
    s->method = Py_NewRef(m->name);
    s->call = *f;
    s->call.data = NULL;
    s->window = (int64_t)f->arg;
    s->parked = NOT_PARKED;
    sem_init(&s->wake[READABLE], 0, 0);
    sem_init(&s->wake[WRITABLE], 0, 0);
    s->id = PyLong_FromUnsignedLongLong(f->id);
    if (!s->id)
        Py_CLEAR(s);
    return s;
}

PyObject *stream_open(Core *c, const Method *m, const resty_ffi_frame *f)
{
    Stream *s = stream_new(c, m, f);
    if (!s)
        return NULL;
    s->threaded = m->kind == STREAM_THREAD;
    s->first = !(f->flags & RESTY_FFI_NIL);
    receive(s, f);
    return (PyObject *)s;
}

void stream_tell(PyObject *stream, PyObject *told)
{
    Py_XSETREF(((Stream *)stream)->told, Py_NewRef(told));
}

bool stream_is_threaded(PyObject *stream)
{
    return ((Stream *)stream)->threaded;
}

static void stream_dealloc(Stream *s)
{
    drop_messages(s);
    PyMem_Free(s->messages);
    sem_destroy(&s->wake[READABLE]);
    sem_destroy(&s->wake[WRITABLE]);
    Py_XDECREF(s->futures[READABLE]);
    Py_XDECREF(s->futures[WRITABLE]);
    Py_XDECREF(s->told);
    Py_XDECREF(s->method);
    Py_XDECREF(s->id);
    Py_XDECREF(s->owner);
    Py_XDECREF((PyObject *)s->core);
    PyObject_Free(s);
}

static PyMethodDef stream_methods[] = {
    {"cancel", (PyCFunction)(void (*)(void))stream_cancel, METH_VARARGS | METH_KEYWORDS, NULL},
    {"cancel_call", (PyCFunction)stream_cancel_call, METH_NOARGS, NULL},
    {"close", (PyCFunction)stream_close, METH_NOARGS, NULL},
    {"send", (PyCFunction)stream_send, METH_O, NULL},
    {"take", (PyCFunction)stream_take, METH_NOARGS, NULL},
    {"wait", (PyCFunction)stream_wait, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyAsyncMethods stream_await = {.am_await = PyObject_SelfIter};

PyTypeObject stream_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_resty_ffi.Stream",
    .tp_basicsize = sizeof(Stream),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "A stream, as the code between it and its handler sees it.",
    .tp_dealloc = (destructor)stream_dealloc,
    .tp_as_async = &stream_await,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)stream_next,
    .tp_methods = stream_methods,
};
