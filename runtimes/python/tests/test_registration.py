from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import resty_ffi
from resty_ffi.runtime import ASYNC, STREAM, STREAM_THREAD, SYNC, THREAD


def test_a_handler_keeps_being_a_function() -> None:
    app = resty_ffi.Runtime()

    @app.method
    def echo(req: bytes) -> bytes:
        return req

    @app.method("other-name")
    async def other(req: bytes, ctx: resty_ffi.Context) -> bytes:
        return req

    @app.method(thread=True)
    def work(req: bytes) -> bytes:
        return req

    assert echo(b"x") == b"x"
    assert {name: (handler.kind, handler.wants_context) for name, handler in app.handlers.items()} == {
        "echo": (SYNC, False),
        "other-name": (ASYNC, True),
        "work": (THREAD, False),
    }


@pytest.mark.parametrize(
    ("function", "wants_context"),
    [
        (lambda req: req, False),
        (lambda req, ctx: req, True),
        (lambda req, cache=None: req, False),
        (lambda *args: args, False),
        (lambda req, *, option=1: req, False),
        (bytes.upper, False),
    ],
)
def test_who_gets_a_context(function: Any, wants_context: bool) -> None:
    app = resty_ffi.Runtime()
    app.method("name")(function)
    assert app.handlers["name"].wants_context is wants_context


def test_an_object_whose_call_is_async_is_an_async_handler() -> None:
    class Handler:
        async def __call__(self, req: bytes, ctx: resty_ffi.Context) -> bytes:
            return req

    app = resty_ffi.Runtime()
    app.method("name")(Handler())
    assert app.handlers["name"][0] == ASYNC
    assert app.handlers["name"].wants_context


@pytest.mark.parametrize("function", [lambda: 1, lambda a, b, c: 1, lambda req, *, needed: 1])
def test_a_function_that_cannot_be_called_so_is_refused(function: Any) -> None:
    with pytest.raises(TypeError, match=r"\(req\) or .*\(req, ctx\)"):
        resty_ffi.Runtime().method("name")(function)


def test_async_in_a_thread_is_refused() -> None:
    async def handler(req: bytes) -> None: ...

    with pytest.raises(TypeError, match="thread=True is for a plain `def`"):
        resty_ffi.Runtime().method(thread=True)(handler)


def test_a_method_has_one_handler() -> None:
    app = resty_ffi.Runtime()
    app.method("name")(lambda req: req)
    with pytest.raises(ValueError, match='"name" has a handler already'):
        app.method("name")(lambda req: req)
    app.default(lambda req: req)
    with pytest.raises(ValueError, match="default handler already"):
        app.default(lambda req: req)


def test_a_loop_only_where_there_is_need() -> None:
    async def handler(req: bytes) -> None: ...

    app = resty_ffi.Runtime()
    app.method("plain")(lambda req: req)
    app.method("thread", thread=True)(lambda req: req)
    assert not app.needs_loop()
    app.default(handler)
    assert app.needs_loop()
    assert resty_ffi.Runtime(lifespan=lambda runtime: contextlib.nullcontext()).needs_loop()
    assert resty_ffi.Runtime(loop_factory=asyncio.new_event_loop).needs_loop()


def test_a_pool_has_threads() -> None:
    with pytest.raises(ValueError, match="at least one thread"):
        resty_ffi.Runtime(threads=0)


def test_a_handler_of_streams_is_a_generator() -> None:
    app = resty_ffi.Runtime()

    @app.stream
    async def chat(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[Any]:
        yield b""

    @app.stream("other-name")
    def other(requests: Iterator[bytes]) -> Iterator[Any]:
        yield b""

    assert list(other(iter(()))) == [b""]
    assert {name: (handler.kind, handler.wants_context) for name, handler in app.handlers.items()} == {
        "chat": (STREAM, True),
        "other-name": (STREAM_THREAD, False),
    }
    assert app.needs_loop()
    with pytest.raises(ValueError, match='"chat" has a handler already'):
        app.method("chat")(lambda req: req)


def test_what_is_no_generator_handles_no_streams() -> None:
    async def handler(requests: AsyncIterator[bytes]) -> None: ...

    app = resty_ffi.Runtime()
    functions: list[Any] = [handler, lambda requests: requests, 5]
    for function in functions:
        with pytest.raises(TypeError, match="a handler of streams is a generator"):
            app.stream("name")(function)


def test_a_generator_handles_nothing_else() -> None:
    async def chat(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        yield b""

    def blocking(requests: Iterator[bytes]) -> Iterator[Any]:
        yield b""

    app = resty_ffi.Runtime()
    functions: list[Any] = [chat, blocking]
    for function in functions:
        with pytest.raises(TypeError, match=r"register it with @app\.stream"):
            app.method("name")(function)
        with pytest.raises(TypeError, match=r"register it with @app\.stream"):
            app.default(function)


@pytest.mark.parametrize("code", [0, 2**31, -(2**31) - 1, "5", None])
def test_the_code_of_an_error(code: Any) -> None:
    with pytest.raises(ValueError, match="32-bit integer other than 0"):
        resty_ffi.Error(code, "text")


def test_an_error_has_its_code_and_message() -> None:
    error = resty_ffi.Error(7, "text")
    assert (error.code, error.message, str(error)) == (7, "text", "text")
    assert str(resty_ffi.Error(7, b"\xff")) == "\\xff"
