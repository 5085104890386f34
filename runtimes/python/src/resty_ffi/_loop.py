"""A runtime's life on an asyncio loop. Apart from the rest, as a runtime of plain handlers does not import asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import warnings
from typing import TYPE_CHECKING

from ._task import CallTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from .loaded import LoadedRuntime

_TICK = 0.002


def begin(runtime: LoadedRuntime) -> Callable[[], None]:
    """Enters the lifespan. Returns what serves until the host unloads the runtime. What the lifespan raises is raised
    here."""
    loop = _new_loop(runtime)
    asyncio.set_event_loop(loop)
    runtime.loop = loop
    ready = loop.create_future()
    life = loop.create_task(_life(runtime, loop, ready))
    try:
        loop.run_until_complete(asyncio.wait({life, ready}, return_when=asyncio.FIRST_COMPLETED))
        if not ready.done():
            life.result()
    except BaseException:
        _end(runtime, loop)
        raise
    return functools.partial(_serve, runtime, loop, life)


def _new_loop(runtime: LoadedRuntime) -> asyncio.AbstractEventLoop:
    if runtime.definition.loop_factory:
        return runtime.definition.loop_factory()
    if threading.current_thread() is threading.main_thread():
        # A module may have asked for this thread's loop while it was imported, and built upon it.
        with contextlib.suppress(RuntimeError), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            loop = asyncio.get_event_loop()
            if not loop.is_closed():
                return loop
    return asyncio.new_event_loop()


def _serve(runtime: LoadedRuntime, loop: asyncio.AbstractEventLoop, life: asyncio.Task[None]) -> None:
    try:
        loop.run_until_complete(life)
        _cancel_all(loop, runtime.seconds_left())
        with contextlib.suppress(asyncio.TimeoutError):
            loop.run_until_complete(asyncio.wait_for(loop.shutdown_asyncgens(), runtime.seconds_left()))
    finally:
        _end(runtime, loop)


def _end(runtime: LoadedRuntime, loop: asyncio.AbstractEventLoop) -> None:
    runtime.loop = None
    asyncio.set_event_loop(None)
    loop.close()


async def _life(runtime: LoadedRuntime, loop: asyncio.AbstractEventLoop, ready: asyncio.Future[None]) -> None:
    lifespan = runtime.definition.lifespan
    manager = lifespan(runtime) if lifespan else contextlib.nullcontext()
    await manager.__aenter__()
    runtime.unload = loop.create_future()
    descriptor = runtime.core.use_loop(loop, CallTask)
    loop.call_soon(runtime.core.drain)  # the descriptor tells of what comes after it has found nothing
    loop.add_reader(descriptor, runtime.core.drain)
    ready.set_result(None)
    await runtime.unload
    loop.remove_reader(descriptor)
    runtime.begin_unload()
    while runtime.core.running and runtime.seconds_left():  # noqa: ASYNC110 - calls in threads end here too
        await asyncio.sleep(_TICK)
    runtime.end_calls()
    try:
        async with asyncio.timeout(runtime.seconds_left()):
            await manager.__aexit__(None, None, None)
    except TimeoutError:
        runtime.log.error(
            "the lifespan did not end in its time (drain_timeout, worker_shutdown_timeout), and was cancelled"
        )
    except Exception:
        runtime.log.exception("the lifespan raised while the runtime was unloaded")
    finally:
        runtime.end_lifespan()


def _cancel_all(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    # Calls that do not end have had their time, and have been answered.
    tasks = {task for task in asyncio.all_tasks(loop) if not isinstance(task, CallTask)}
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=seconds))
