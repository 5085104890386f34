"""Handlers without a loop: what they may take and return, and ways to go wrong."""

from __future__ import annotations

import contextvars
import logging
import sys
import threading
import time
from typing import Any

import resty_ffi

app = resty_ffi.Runtime(threads=2)
variable = contextvars.ContextVar("variable", default="unset")
shared = bytearray(4)


@app.method
def echo(req: bytes) -> bytes:
    return req


@app.method
def text(req: bytes) -> str:
    return "grüße"


@app.method
def surrogate(req: bytes) -> str:
    return "\ud800"


@app.method
def number(req: bytes) -> Any:
    return 5


@app.method
def buffer(req: bytes) -> Any:
    shared[:] = req
    return shared


@app.method
def view(req: bytes) -> Any:
    return memoryview(req)[1:3]


@app.method
def context_variable(req: bytes) -> Any:
    before = variable.get()
    variable.set("set by another call")
    return before


@app.method
def system_exit(req: bytes) -> None:
    sys.exit(3)


@app.method
def coroutine(req: bytes) -> Any:
    async def answer() -> bytes:
        return req

    return answer()


@app.method
def bad_error(req: bytes) -> None:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    raise UnprintableError


@app.method
def error_bytes(req: bytes) -> None:
    raise resty_ffi.Error(9, b"\x00\xff")


@app.method
def deadline(req: bytes, ctx: resty_ffi.Context) -> str:
    return f"{ctx.deadline is not None} {ctx.deadline and 0 < ctx.deadline - time.monotonic() < 60}"


@app.method
def dict_here(req: bytes, ctx: resty_ffi.Context) -> Any:
    return ctx.dict.blocking.get("key")


@app.method(thread=True)
def dict_in_thread(req: bytes, ctx: resty_ffi.Context) -> Any:
    ctx.dict.blocking.set("of-a-thread", req)
    return ctx.dict.blocking.get("of-a-thread")


@app.method(thread=True)
def dicts(req: bytes, ctx: resty_ffi.Context) -> str:
    first, other = ctx.dict.blocking, ctx.dict("other").blocking
    answers: list[object] = [first.add("added", "1"), first.add("added", "2"), first.get("added"), other.get("added")]
    first.incr("brief", 5, ttl=0.001)
    other.set("named", "of other")
    answers.append(first.incr("long", 5, ttl=60))
    time.sleep(0.02)
    return repr([*answers, first.incr("brief", 2), other.get("named")])


@app.method(thread=True)
def forbidden_dict(req: bytes, ctx: resty_ffi.Context) -> None:
    ctx.dict("secrets").blocking.get("key")


@app.method(thread=True)
def wait_cancelled(req: bytes, ctx: resty_ffi.Context) -> None:
    until = time.monotonic() + 5
    while not ctx.cancelled and time.monotonic() < until:
        time.sleep(0.002)
    ctx.state.seen = ctx.cancelled


@app.method
def seen(req: bytes, ctx: resty_ffi.Context) -> str:
    return str(getattr(ctx.state, "seen", False))


@app.method(thread=True)
def stubborn(req: bytes) -> str:
    time.sleep(int(req) / 1000)
    return "too late"


@app.method(thread=True)
def thread_raises(req: bytes) -> None:
    raise KeyError("in a thread")


@app.method(thread=True)
def thread_name(req: bytes) -> Any:
    return threading.current_thread().name


@app.method
def other_logger(req: bytes) -> None:
    logging.getLogger("some.library").warning("from a library")
    logging.getLogger("some.library").info("too quiet")


@app.method
def main_thread(req: bytes) -> str:
    main = threading.main_thread()
    return f"{main.is_alive()} {main is threading.current_thread()}"


@app.method
def version(req: bytes) -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]} {sys.executable}"


@app.method
def path(req: bytes) -> Any:
    return "\n".join(sys.path)


@app.default
def anything(req: bytes, ctx: resty_ffi.Context) -> str:
    return f"default {ctx.method}"
