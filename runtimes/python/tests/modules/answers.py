"""Handlers without a loop: what they may take and return, and ways to go wrong."""

import contextvars
import logging
import sys
import threading
import time

import resty_ffi

app = resty_ffi.Runtime(threads=2)
variable = contextvars.ContextVar("variable", default="unset")
shared = bytearray(4)


@app.method
def echo(req):
    return req


@app.method
def text(req):
    return "grüße"


@app.method
def surrogate(req):
    return "\ud800"


@app.method
def number(req):
    return 5


@app.method
def buffer(req):
    shared[:] = req
    return shared


@app.method
def view(req):
    return memoryview(req)[1:3]


@app.method
def context_variable(req):
    before = variable.get()
    variable.set("set by another call")
    return before


@app.method
def system_exit(req):
    sys.exit(3)


@app.method
def coroutine(req):
    async def answer():
        return req

    return answer()


@app.method
def bad_error(req):
    class UnprintableError(Exception):
        def __str__(self):
            raise ValueError("no text")

    raise UnprintableError


@app.method
def error_bytes(req):
    raise resty_ffi.Error(9, b"\x00\xff")


@app.method
def deadline(req, ctx):
    return f"{ctx.deadline is not None} {ctx.deadline and 0 < ctx.deadline - time.monotonic() < 60}"


@app.method
def dict_here(req, ctx):
    return ctx.dict.blocking.get("key")


@app.method(thread=True)
def dict_in_thread(req, ctx):
    ctx.dict.blocking.set("of-a-thread", req)
    return ctx.dict.blocking.get("of-a-thread")


@app.method(thread=True)
def dicts(req, ctx):
    first, other = ctx.dict.blocking, ctx.dict("other").blocking
    answers = [first.add("added", "1"), first.add("added", "2"), first.get("added"), other.get("added")]
    first.incr("brief", 5, ttl=0.001)
    other.set("named", "of other")
    answers.append(first.incr("long", 5, ttl=60))
    time.sleep(0.02)
    return repr([*answers, first.incr("brief", 2), other.get("named")])


@app.method(thread=True)
def forbidden_dict(req, ctx):
    ctx.dict("secrets").blocking.get("key")


@app.method(thread=True)
def wait_cancelled(req, ctx):
    until = time.monotonic() + 5
    while not ctx.cancelled and time.monotonic() < until:
        time.sleep(0.002)
    app.seen = ctx.cancelled


@app.method
def seen(req):
    return str(getattr(app, "seen", False))


@app.method(thread=True)
def stubborn(req):
    time.sleep(int(req) / 1000)
    return "too late"


@app.method(thread=True)
def thread_raises(req):
    raise KeyError("in a thread")


@app.method(thread=True)
def thread_name(req):
    return threading.current_thread().name


@app.method
def other_logger(req):
    logging.getLogger("some.library").warning("from a library")
    logging.getLogger("some.library").info("too quiet")


@app.method
def main_thread(req):
    main = threading.main_thread()
    return f"{main.is_alive()} {main is threading.current_thread()}"


@app.method
def version(req):
    return f"{sys.version_info[0]}.{sys.version_info[1]} {sys.executable}"


@app.method
def path(req):
    return "\n".join(sys.path)


@app.default
def anything(req, ctx):
    return f"default {ctx.method}"
