"""The service of one loaded runtime: its thread, its end, and what the loader's C code leaves to Python."""

from __future__ import annotations

import contextvars
import functools
import gc
import itertools
import os
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _exit, _host_log, _modules, _stream, log
from ._host_log import HostLog
from .context import Context
from .errors import CANCELLED, THREW, UNLOADED, Error
from .loaded import LoadedRuntime
from .runtime import STREAM, STREAM_THREAD
from .shared_dict import Dict

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future, ThreadPoolExecutor

    from _resty_ffi import Core, Stream

    from .runtime import Runtime

UNLOAD_SECONDS = 1.0
"""How long an unload waits for the calls that it cancels, and then again for what else runs. The lifespan has the time
that the host grants."""

_TICK = 0.002


class Service:
    def __init__(
        self,
        core: Core,
        definition: Runtime,
        module: str,
        config: str | None,
        modules: _modules.Modules,
        begin_loop: Callable[[Service], Callable[[], None]] | None,
    ) -> None:
        """`begin_loop` enters the lifespan and returns the function that serves on an asyncio loop. None: no loop."""
        self.core = core
        self.definition = definition
        self.loop: asyncio.AbstractEventLoop | None = None
        self.unload: asyncio.Future[None] | None = None
        self._log = HostLog(core)
        self.runtime = LoadedRuntime(core.name, core.abi, config, log.runtime_logger(self._log, module), Dict(self))
        self._modules = modules
        modules.log, modules.host_log = self.runtime.log, self._log
        self._begin_loop = begin_loop
        self._handlers = dict(definition.handlers)
        self._pool: ThreadPoolExecutor | None = None
        self._dict_ids = itertools.count(1)
        self._dict_waiters: dict[int, asyncio.Future[bytes | None] | Future[bytes | None]] = {}
        self._unload_by = 0.0
        self._finish_by = 0.0
        self._thread = threading.main_thread()

    # The thread.

    def start(self) -> None:
        """Starts the thread that takes the calls, and returns when it is ready. Raises what its set-up raised."""
        up, errors = threading.Event(), list[BaseException]()
        # Not a daemon: the author's threads inherit that, and Python waits at its end only for other threads.
        run = contextvars.copy_context().run  # calls see what the module's code has set
        self._thread = threading.Thread(target=run, args=(_live, [self], up, errors), name="ffi-python", daemon=False)
        self._thread.start()
        up.wait()
        if errors:
            raise errors.pop()

    def begin(self) -> Callable[[], None]:
        """Sets the runtime up, in the thread that is to take its calls. Returns the function that takes them until the
        host unloads the runtime."""
        self.core.name_thread()
        self.core.prepare(self, self.runtime, Context)
        serve = self._begin_loop(self) if self._begin_loop else self._serve
        _host_log.live.append(self._log)
        for file in self._modules.files():
            self.core.watch(os.fsencode(file))
        return functools.partial(self._run, serve)

    def _run(self, serve: Callable[[], None]) -> None:
        _modules.current.set(self._modules)
        try:
            serve()
        except BaseException as e:
            self.runtime.log.critical("the thread that takes the calls failed", exc_info=e)
            self.end_calls()
        self._end()
        self._log.close()
        _host_log.live.remove(self._log)
        self.core.close()

    def _serve(self) -> None:
        self.core.serve()
        self.begin_unload()
        while self.core.running and self.seconds_left():
            time.sleep(_TICK)
        self.end_calls()

    # The unload.

    def unloaded(self) -> None:
        """The host wants the runtime to end. The core calls this on the loop, maybe more than once."""
        if self.unload is not None and not self.unload.done():
            self.unload.set_result(None)

    def seconds_left(self) -> float:
        return max(0.0, self._unload_by - time.monotonic())

    def begin_unload(self) -> None:
        seconds = UNLOAD_SECONDS
        if self.definition.lifespan is not None:
            left = self.core.finish(True) / 1000
            seconds = min(seconds, left / 2)
            self._finish_by = time.monotonic() + left
        self._unload_by = time.monotonic() + seconds
        for call in list(self.core.running.values()):
            call.cancel_call()
        waiters, self._dict_waiters = self._dict_waiters, {}
        for waiter in waiters.values():
            _settle(waiter, Error(UNLOADED, f'runtime "{self.runtime.name}" is being unloaded'))

    def end_calls(self) -> None:
        """Answers the calls that have not ended in time."""
        for call_id in list(self.core.running):
            self.core.answer(call_id, UNLOADED, f'runtime "{self.runtime.name}" was unloaded before the call ended')
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._unload_by = self._finish_by or time.monotonic() + UNLOAD_SECONDS

    def end_lifespan(self) -> None:
        """The lifespan is over: what still runs has the usual time of an end."""
        self.core.finish(False)
        self._unload_by = time.monotonic() + UNLOAD_SECONDS

    def _end(self) -> None:
        """Runs the exit handlers of the runtime, or of the whole process."""
        if self._thread is threading.main_thread():
            _exit.end_process()
        elif not _exit.run_within(self._modules, UNLOAD_SECONDS):
            self.runtime.log.error("an exit handler did not end in time and was abandoned")
        self._modules.close()

    # What the core asks for.

    def resolve(self, method: str) -> tuple[int, Callable[..., Any], bool] | bytes:
        """The handler of a method, or the text of the refusal."""
        handler = self._handlers.get(method, self.definition.default_handler)
        if handler is not None and handler.kind == STREAM:
            return STREAM, _stream.task_of(handler), True
        if handler is not None and handler.kind == STREAM_THREAD:
            return STREAM_THREAD, _stream.function_of(handler), True
        if handler is not None:
            return handler.kind, handler.call, handler.wants_context
        names = ", ".join(sorted(self._handlers)) or "none"
        return f'runtime "{self.runtime.name}" has no method "{method}"; it has: {names}'.encode()

    def failed(self, method: str | None, exception: BaseException, told: bool) -> tuple[int, bytes]:
        """The code and text of a handler's exception. `told`: the handler had been cancelled before it raised."""
        if isinstance(exception, Error):
            message = exception.message
            if isinstance(message, str):
                message = message.encode("utf-8", "backslashreplace")
            return exception.code, message
        if told and type(exception).__name__ == "CancelledError":
            return CANCELLED, f'runtime "{self.runtime.name}": the call of "{method}" was cancelled'.encode()
        self.runtime.log.error('the handler of "%s" raised', method, exc_info=exception)
        text = "".join(traceback.format_exception_only(exception)).rstrip()
        return THREW, text.encode("utf-8", "backslashreplace")

    def start_thread(
        self, call_id: int, function: Callable[..., Any], request: bytes | None, ctx: Context, wants_context: bool
    ) -> None:
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self.definition.threads, "ffi-python", self.core.name_thread)
        arguments = (request, ctx) if wants_context else (request,)
        self._pool.submit(contextvars.copy_context().run, self._run_in_thread, call_id, function, arguments, ctx)

    def start_stream(
        self, call_id: int, function: Callable[..., Any], stream: Stream, ctx: Context, wants_context: bool
    ) -> None:
        def run() -> None:
            self.core.name_thread()
            self._run_in_thread(call_id, function, (stream, ctx), ctx)

        threading.Thread(target=contextvars.copy_context().run, args=(run,), name="ffi-python", daemon=False).start()

    def stream_is_over(self, method: str, cancelled: bool) -> None:
        """Raises the reason why nothing can be sent or received any more."""
        what = "was cancelled" if cancelled else "has ended"
        raise Error(CANCELLED, f'runtime "{self.runtime.name}": the stream of "{method}" {what}')

    def _run_in_thread(
        self, call_id: int, function: Callable[..., Any], arguments: tuple[Any, ...], ctx: Context
    ) -> None:
        try:
            if ctx.cancelled:
                raise Error(CANCELLED, f'runtime "{self.runtime.name}": the call of "{ctx.method}" was cancelled')
            self.core.answer(call_id, 0, function(*arguments))
        except BaseException as e:
            self.core.answer(call_id, *self.failed(ctx.method, e, told=False))

    # The shared dicts.

    def takes_calls_here(self) -> bool:
        return threading.current_thread() is self._thread

    def ask_dict(
        self,
        waiter: asyncio.Future[bytes | None] | Future[bytes | None],
        operation: int,
        name: bytes,
        key: bytes,
        value: bytes,
        ttl_ms: int,
    ) -> None:
        """Sends a request to the shared dict; its answer settles the waiter."""
        if self._unload_by:
            raise Error(UNLOADED, f'runtime "{self.runtime.name}" is being unloaded')
        number = next(self._dict_ids)
        self._dict_waiters[number] = waiter
        self.core.dict(number, operation, name, key, value, ttl_ms)

    def dict_answered(self, number: int, status: int, payload: bytes | None) -> None:
        waiter = self._dict_waiters.pop(number, None)
        if waiter is None:
            return
        if status == 0:
            _settle(waiter, payload)
        else:
            _settle(waiter, Error(status, (payload or b"").decode("utf-8", "backslashreplace")))


def _live(box: list[Service], up: threading.Event, errors: list[BaseException]) -> None:
    """A runtime's life. Then garbage collection frees what it leaves: after a reload, all the old modules."""
    try:
        run = box.pop().begin()
    except BaseException as e:
        errors.append(e)
        return
    finally:
        up.set()
    run()
    del run
    _modules.current.set(None)
    gc.collect()


def _settle(waiter: asyncio.Future[bytes | None] | Future[bytes | None], result: bytes | Error | None) -> None:
    if waiter.done():  # its handler was cancelled
        return
    if isinstance(result, Error):
        waiter.set_exception(result)
    else:
        waiter.set_result(result)
