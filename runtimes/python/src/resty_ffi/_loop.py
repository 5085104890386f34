"""A runtime's life on an asyncio loop. Separate, because a runtime with only plain handlers does not import asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import warnings
from typing import TYPE_CHECKING

from . import _task
from ._task import CallTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._service import Service

_TICK = 0.002


def begin(service: Service) -> Callable[[], None]:
    """Enters the lifespan, and raises what it raises. Returns the function that serves until the host unloads the
    runtime."""
    loop = _new_loop(service)
    asyncio.set_event_loop(loop)
    service.loop = loop
    ready = loop.create_future()
    life = loop.create_task(_life(service, loop, ready))
    try:
        loop.run_until_complete(asyncio.wait({life, ready}, return_when=asyncio.FIRST_COMPLETED))
        if not ready.done():
            life.result()
    except BaseException:
        _end(service, loop)
        raise
    return functools.partial(_serve, service, loop, life)


def _new_loop(service: Service) -> asyncio.AbstractEventLoop:
    if service.definition.loop_factory:
        return service.definition.loop_factory()
    if threading.current_thread() is threading.main_thread():
        # The module may have got this thread's loop while it was imported, and may depend on it.
        with contextlib.suppress(RuntimeError), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            loop = asyncio.get_event_loop()
            if not loop.is_closed():
                return loop
    return asyncio.new_event_loop()


def _serve(service: Service, loop: asyncio.AbstractEventLoop, life: asyncio.Task[None]) -> None:
    try:
        loop.run_until_complete(life)
        _cancel_all(loop, service.seconds_left())
        with contextlib.suppress(asyncio.TimeoutError):
            loop.run_until_complete(asyncio.wait_for(loop.shutdown_asyncgens(), service.seconds_left()))
    finally:
        _end(service, loop)


def _end(service: Service, loop: asyncio.AbstractEventLoop) -> None:
    service.loop = None
    asyncio.set_event_loop(None)
    loop.close()


async def _life(service: Service, loop: asyncio.AbstractEventLoop, ready: asyncio.Future[None]) -> None:
    lifespan = service.definition.lifespan
    _task.check_current(loop)
    manager = lifespan(service.runtime) if lifespan else contextlib.nullcontext()
    await manager.__aenter__()
    service.unload = loop.create_future()
    descriptor = service.core.use_loop(loop, CallTask, _task.MARKS)
    if not service.core.reuses_tasks:
        service.runtime.log.warning(
            "this version of Python hides from the loader what handlers do to their tasks: each call gets a new task"
        )
    loop.call_soon(service.core.drain)  # the descriptor is readable only after this has emptied the queue
    loop.add_reader(descriptor, service.core.drain)
    ready.set_result(None)
    await service.unload
    loop.remove_reader(descriptor)
    service.begin_unload()
    while service.core.running and service.seconds_left():  # noqa: ASYNC110 - calls in threads end here too
        await asyncio.sleep(_TICK)
    service.end_calls()
    try:
        async with asyncio.timeout(service.seconds_left()):
            await manager.__aexit__(None, None, None)
    except TimeoutError:
        service.runtime.log.error(
            "the lifespan did not end in its time (drain_timeout, worker_shutdown_timeout), and was cancelled"
        )
    except Exception:
        service.runtime.log.exception("the lifespan raised while the runtime was unloaded")
    finally:
        service.end_lifespan()


def _cancel_all(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    # Calls that do not end have used up their time, and are answered.
    tasks = {task for task in asyncio.all_tasks(loop) if not isinstance(task, CallTask)}
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=seconds))
