"""Handlers on asyncio, for which the first step of a call must be like any other."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import pathlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import resty_ffi

variable = contextvars.ContextVar("variable", default="unset")


@contextlib.asynccontextmanager
async def lifespan(runtime: resty_ffi.LoadedRuntime) -> AsyncIterator[None]:
    runtime.state.events = []
    runtime.state.background = asyncio.create_task(asyncio.sleep(3600))
    yield
    if runtime.config:
        pathlib.Path(runtime.config).write_text(" ".join(runtime.state.events))  # noqa: ASYNC240


app = resty_ffi.Runtime(lifespan=lifespan)


def current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


@app.method
async def at_once(req: bytes) -> bytes:
    return req


@app.method
async def later(req: bytes) -> bytes:
    await asyncio.sleep(0.01)
    return req


@app.method
async def yields(req: bytes) -> bytes:
    for _ in range(3):
        await asyncio.sleep(0)
    return req


@app.method
async def same_task(req: bytes) -> str:
    before = current_task()
    found = before in asyncio.all_tasks()
    await asyncio.sleep(0)
    after = current_task()
    return f"{before is after} {found} {after in asyncio.all_tasks()} {after.get_name()}"


@app.method
async def other_task(req: bytes, ctx: resty_ffi.Context) -> str:
    """Two calls in flight have two tasks, even if one of these tasks has served a call that ended at once."""
    tasks = ctx.state.__dict__.setdefault("tasks", set())
    tasks.add(asyncio.current_task())
    await asyncio.sleep(0.05)
    return str(len(tasks))


@app.method
def no_task(req: bytes) -> Any:
    try:
        return str(asyncio.current_task())
    finally:
        asyncio.get_running_loop()


@app.method
async def timeout(req: bytes) -> Any:
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(10)
    except TimeoutError:
        return f"timeout {current_task().cancelling()}"


@app.method
async def group(req: bytes) -> str:
    async def part(n: Any) -> Any:
        await asyncio.sleep(0.001 * n)
        return n

    async with asyncio.TaskGroup() as tasks:
        parts = [tasks.create_task(part(n)) for n in range(3)]
    return str(sum(task.result() for task in parts))


@app.method
async def group_fails(req: bytes) -> None:
    async def part() -> None:
        await asyncio.sleep(0)
        raise ValueError("in a part")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(part())
        await asyncio.sleep(10)


@app.method
async def context_variable(req: bytes) -> str:
    before = variable.get()
    variable.set("set by another call")
    await asyncio.sleep(0)
    return f"{before} {variable.get()}"


@app.method
async def raises_at_once(req: bytes) -> None:
    raise ValueError("at once")


@app.method
async def raises_later(req: bytes) -> None:
    await asyncio.sleep(0)
    raise ValueError("later")


@app.method
async def fails_later(req: bytes) -> None:
    await asyncio.sleep(0)
    raise resty_ffi.Error(12, "later")


@app.method
async def awaits_nonsense(req: bytes) -> None:
    class Nonsense:
        def __await__(self) -> Iterator[Any]:
            yield 5

    await Nonsense()  # type: ignore[misc]


@app.method
async def awaits_itself(req: bytes) -> None:
    await current_task()


@app.method
async def failed_future(req: bytes) -> Any:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_exception, KeyError("of a future"))
    try:
        await future
    except KeyError as e:
        return str(e)


@app.method
async def done_callback(req: bytes, ctx: resty_ffi.Context) -> bytes:
    current_task().add_done_callback(lambda task: ctx.state.events.append("done"))
    return b""


@app.method
async def wait_for_other(req: bytes, ctx: resty_ffi.Context) -> str:
    """Another call's task may be awaited, and cancelled, like any."""
    if req == b"wait":
        ctx.state.waiting = asyncio.current_task()
        await asyncio.sleep(10)
    task = ctx.state.waiting
    task.cancel()
    await asyncio.wait({task})
    return f"{task.cancelled()}"


@app.method
async def cancels_itself(req: bytes) -> None:
    current_task().cancel()
    await asyncio.sleep(1)


@app.method
async def stops(req: bytes, ctx: resty_ffi.Context) -> Any:
    """Ends in its own way when it is cancelled."""
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        ctx.state.events.append(f"stopped:{ctx.cancelled}")
        if req == b"error":
            raise resty_ffi.Error(3, "stopped") from None
        if req == b"answer":
            return "in time"
        raise


@app.method
async def ignores_cancel(req: bytes) -> None:
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(10)


@app.method
def events(req: bytes, ctx: resty_ffi.Context) -> Any:
    return " ".join(ctx.state.events)


@app.method
async def shared_dict(req: bytes, ctx: resty_ffi.Context) -> str:
    answers: list[object] = [await ctx.dict.get("missing")]
    await ctx.dict.set("key", b"\x00value", ttl=60)
    answers.append(await ctx.dict.get("key"))
    answers.append(await ctx.dict.incr("counter"))
    answers.append(await ctx.dict.incr("counter", 4))
    await ctx.dict.delete("key")
    answers.append(await ctx.dict.get("key"))
    return repr(answers)


@app.method
async def dict_error(req: bytes, ctx: resty_ffi.Context) -> str:
    await ctx.dict.set("word", "text")
    return str(await ctx.dict.incr("word"))


@app.method(thread=True)
def thread(req: bytes, ctx: resty_ffi.Context) -> Any:
    return ctx.dict.blocking.incr("thread-counter") and req


@app.method
async def live_tasks(req: bytes) -> str:
    gc.collect()
    return str(sum(type(thing).__name__ == "CallTask" for thing in gc.get_objects()))
