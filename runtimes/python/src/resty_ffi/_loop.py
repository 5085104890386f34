"""A runtime's life on an asyncio loop. Apart from the rest, as a runtime of plain handlers does not import asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ._task import CallTask

if TYPE_CHECKING:
    from .loaded import LoadedRuntime

_TICK = 0.002


def serve(runtime: LoadedRuntime) -> None:
    """Runs until the host unloads the runtime. What the lifespan raises on entry is raised here."""
    loop = (runtime.definition.loop_factory or asyncio.new_event_loop)()
    asyncio.set_event_loop(loop)
    runtime.loop = loop
    try:
        loop.run_until_complete(_main(runtime, loop))
        _cancel_all(loop, runtime.seconds_left())
        with contextlib.suppress(asyncio.TimeoutError):
            loop.run_until_complete(asyncio.wait_for(loop.shutdown_asyncgens(), runtime.seconds_left()))
    finally:
        runtime.loop = None
        asyncio.set_event_loop(None)
        loop.close()


async def _main(runtime: LoadedRuntime, loop: asyncio.AbstractEventLoop) -> None:
    lifespan = runtime.definition.lifespan
    manager = lifespan(runtime) if lifespan else contextlib.nullcontext()
    await manager.__aenter__()
    runtime.unload = loop.create_future()
    descriptor = runtime.core.use_loop(loop, CallTask)
    runtime.ready()
    runtime.core.drain()
    loop.add_reader(descriptor, runtime.core.drain)
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
        runtime.log.error("the lifespan did not end in time, and was cancelled")
    except Exception:
        runtime.log.exception("the lifespan raised while the runtime was unloaded")


def _cancel_all(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    # Calls that do not end have had their time, and have been answered.
    tasks = {task for task in asyncio.all_tasks(loop) if not isinstance(task, CallTask)}
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=seconds))
