"""The code between a stream and its handler. The loader's Stream keeps messages and windows; see loader/stream.c."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _resty_ffi import Stream

    from .context import Context
    from .runtime import Handler

_READABLE, _WRITABLE = 0, 1


class Requests:
    """The client's messages, for an ``async def`` handler."""

    __slots__ = ("_stream",)

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __aiter__(self) -> Requests:
        return self

    async def __anext__(self) -> bytes:
        while (message := self._stream.take()) is None:
            await self._stream.wait(_READABLE)
        return message


class BlockingRequests:
    """The client's messages, for a handler in a thread of its own."""

    __slots__ = ("_stream",)

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __iter__(self) -> BlockingRequests:
        return self

    def __next__(self) -> bytes:
        message = self._stream.take()
        assert message is not None  # in a thread it waits for one
        return message


def task_of(handler: Handler) -> Callable[[Stream, Context], Awaitable[None]]:
    """The coroutine function that serves a stream with an async generator. It ends as the generator does."""

    async def serve(stream: Stream, ctx: Context) -> None:
        requests = Requests(stream)
        answers: AsyncGenerator[Any, None] = (
            handler.call(requests, ctx) if handler.wants_context else handler.call(requests)
        )
        refused = 0
        try:
            async for message in answers:
                while True:
                    try:
                        while not stream.send(message):
                            await stream.wait(_WRITABLE)
                        break
                    except BaseException as e:
                        refused += ctx.cancelled
                        if refused > 2:  # the handler goes on in spite of its cancellation
                            raise
                        message = await answers.athrow(e)  # where the handler waits: at its `yield`
        except StopAsyncIteration:  # of athrow
            pass
        finally:
            stream.close()
            await answers.aclose()

    return serve


def function_of(handler: Handler) -> Callable[[Stream, Context], None]:
    """The same with a plain generator, which blocks."""

    def serve(stream: Stream, ctx: Context) -> None:
        requests = BlockingRequests(stream)
        answers: Generator[Any, None, Any] = (
            handler.call(requests, ctx) if handler.wants_context else handler.call(requests)
        )
        refused = 0
        try:
            for message in answers:
                while True:
                    try:
                        stream.send(message)
                        break
                    except BaseException as e:
                        refused += ctx.cancelled
                        if refused > 2:
                            raise
                        message = answers.throw(e)
        except StopIteration:
            pass
        finally:
            stream.close()
            answers.close()

    return serve
