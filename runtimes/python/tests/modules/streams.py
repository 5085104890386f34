"""Streams: handlers of every kind, and ways to go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import resty_ffi

app = resty_ffi.Runtime()
events: list[str] = sys.__dict__.setdefault("events of streams", [])  # one for all runtimes of the process
variable = contextvars.ContextVar("variable", default="unset")


# Each in both kinds, under the same name with and without `blocking_`.


@app.stream
async def chat(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for message in requests:
        yield message


@app.stream
def blocking_chat(requests: Iterator[bytes]) -> Iterator[Any]:
    yield from requests


@app.stream("sum")
async def total(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    yield str(sum([int(number) async for number in requests]))


@app.stream("blocking_sum")
def blocking_total(requests: Iterator[bytes]) -> Iterator[Any]:
    yield str(sum(map(int, requests)))


@app.stream
async def count(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    for n in range(int(await anext(requests))):
        yield str(n)


@app.stream
def blocking_count(requests: Iterator[bytes]) -> Iterator[Any]:
    for n in range(int(next(requests))):
        yield str(n)


@app.stream
async def flood(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[Any]:
    for n in range(int(await anext(requests))):
        ctx.state.flooded = n
        yield bytes(65536)


@app.stream
def blocking_flood(requests: Iterator[bytes], ctx: resty_ffi.Context) -> Iterator[Any]:
    for n in range(int(next(requests))):
        ctx.state.flooded = n
        yield bytes(65536)


@app.method
def flooded(req: bytes, ctx: resty_ffi.Context) -> str:
    return str(ctx.state.flooded)


@app.stream
async def fails(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for message in requests:
        yield message
        raise resty_ffi.Error(7, "mid-stream")


@app.stream
def blocking_fails(requests: Iterator[bytes]) -> Iterator[Any]:
    for message in requests:
        yield message
        raise resty_ffi.Error(7, "mid-stream")


@app.stream
async def raises(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    yield await anext(requests)
    raise ValueError("unexpected")


@app.stream
def blocking_raises(requests: Iterator[bytes]) -> Iterator[Any]:
    yield next(requests)
    raise ValueError("unexpected")


@app.stream
async def refused(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """An invalid message is refused at its `yield`."""
    for message in (None, 5, "\ud800"):
        try:
            yield message
        except (TypeError, ValueError) as e:
            yield type(e).__name__
    yield bytearray(b"buffer")
    yield memoryview(b"view")
    yield "grüße"


@app.stream
def blocking_refused(requests: Iterator[bytes]) -> Iterator[Any]:
    for message in (None, 5, "\ud800"):
        try:
            yield message
        except (TypeError, ValueError) as e:
            yield type(e).__name__
    yield bytearray(b"buffer")
    yield memoryview(b"view")
    yield "grüße"


@app.stream
async def seen(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[Any]:
    """Reports its cancellation, whether it waits to send or to receive."""
    try:
        async for message in requests:
            for _ in range(int(message)):
                yield bytes(65536)
    except asyncio.CancelledError:
        events.append(f"cancelled:{ctx.cancelled}")
        raise
    finally:
        events.append("left")


@app.stream
def blocking_seen(requests: Iterator[bytes], ctx: resty_ffi.Context) -> Iterator[Any]:
    try:
        for message in requests:
            for _ in range(int(message)):
                yield bytes(65536)
    except resty_ffi.Error as e:
        events.append(f"cancelled:{ctx.cancelled and e.code == resty_ffi.CANCELLED}")
        raise
    finally:
        events.append("left")


@app.stream
async def stubborn(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """Goes on when it is cancelled, as long as it can."""
    await anext(requests)
    tries = 0
    try:
        while True:
            tries += 1
            with contextlib.suppress(asyncio.CancelledError, resty_ffi.Error):
                yield bytes(65536)
    finally:
        events.append("stopped" if tries < 20 else "too late")


@app.stream
def blocking_stubborn(requests: Iterator[bytes]) -> Iterator[Any]:
    next(requests)
    tries = 0
    try:
        while True:
            tries += 1
            with contextlib.suppress(resty_ffi.Error):
                yield bytes(65536)
    finally:
        events.append("stopped" if tries < 20 else "too late")


@app.stream
async def cleans_up(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    try:
        async for message in requests:
            yield message
    finally:
        await asyncio.sleep(0.01)
        events.append("cleaned")


@app.stream
async def forever(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(10)
    yield


@app.stream
def blocking_forever(requests: Iterator[bytes]) -> Iterator[Any]:
    while True:
        time.sleep(0.01)
    yield


@app.method
def seen_events(req: bytes) -> Any:
    return " ".join(events)


@app.method
def forget_events(req: bytes) -> None:
    events.clear()


# What is special to asyncio.


@app.stream
async def impatient(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """Waits for a message with a time limit, repeatedly."""
    while True:
        try:
            async with asyncio.timeout(0.005):
                message = await anext(requests)
        except TimeoutError:
            yield "none yet"
            continue
        except StopAsyncIteration:
            return
        yield message


@app.stream
async def two_readers(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async def read() -> Any:
        return [message async for message in requests]

    read_by_both = await asyncio.gather(read(), read())
    yield b" ".join(sorted(read_by_both[0] + read_by_both[1]))


@app.stream
async def left_behind(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[Any]:
    """A separate task goes on reading after the handler is done."""

    async def read() -> None:
        try:
            async for _ in requests:
                pass
        except resty_ffi.Error as e:
            events.append(f"{e.code} {e}")

    ctx.state.task = asyncio.create_task(read())
    await asyncio.sleep(0)
    yield "done"


@app.stream
async def waits(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[Any]:
    ctx.state.waiting = asyncio.current_task()
    async for message in requests:
        yield message


@app.stream
async def cancels_the_other(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[Any]:
    async for _ in requests:
        yield str(ctx.state.waiting.cancel())


@app.stream
async def one_task(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    before = asyncio.current_task()
    variable.set("set")
    yield variable.get()
    async for message in requests:
        yield f"{asyncio.current_task() is before} {variable.get()} {message.decode()}"


@app.stream
async def slow_sums(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """Works between its messages without yielding to the loop; before the last one, until there is a file."""
    file = Path(os.fsdecode(await anext(requests)))
    for n in range(3):
        time.sleep(0.01)  # noqa: ASYNC251
        while n == 2 and not file.exists():  # noqa: ASYNC240
            time.sleep(0.01)  # noqa: ASYNC251
        yield str(n)


# Of a context.


@app.stream
async def context(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[Any]:
    left = ctx.remaining()
    yield f"{ctx.method} {left is not None and 1 < left <= 60} {ctx.log.name}"
    yield str(await ctx.dict.incr("streams"))


@app.stream
def blocking_context(requests: Iterator[bytes], ctx: resty_ffi.Context) -> Iterator[Any]:
    left = ctx.remaining()
    yield f"{ctx.method} {left is not None and 1 < left <= 60} {ctx.log.name}"
    yield str(ctx.dict.blocking.incr("blocking-streams"))


# Plain handlers, opened as streams.


@app.method
def plain(req: bytes) -> bytes:
    return req


@app.method
async def plain_async(req: bytes) -> bytes:
    await asyncio.sleep(0.001)
    return req


@app.method(thread=True)
def plain_thread(req: bytes) -> bytes:
    return req


@app.method
def plain_fails(req: bytes) -> None:
    raise resty_ffi.Error(9, "plain")


@app.method
async def alive(req: bytes) -> str:
    """What is left of streams and their tasks."""
    gc.collect()
    names = [type(thing).__name__ for thing in gc.get_objects()]
    return str(names.count("CallTask") + names.count("async_generator") + names.count("generator"))
