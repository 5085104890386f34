"""The task in which an ``async def`` handler runs; loader/task.c takes its steps and says why it is not asyncio's."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import io
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from .context import Context


class CallTask(asyncio.Future):  # type: ignore[type-arg]
    """Has all that asyncio's own Task has. Steps read and write the slots at their place in memory."""

    __slots__ = (
        "_call",
        "_call_id",
        "_cancels",
        "_context",
        "_coro",
        "_fut_waiter",
        "_marked",
        "_method",
        "_must_cancel",
        "_name",
        "_stream",
        "_told",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._coro: Coroutine[Any, Any, Any] | None = None
        self._context: contextvars.Context | None = None
        self._fut_waiter: asyncio.Future[Any] | None = None
        self._must_cancel = False
        self._cancels = 0
        self._marked = False  # somebody did something to this task: it cannot serve a second call
        self._told = False  # the host has cancelled the call
        self._call: Context | None = None
        self._call_id: int | None = None
        self._method: str | None = None
        self._name: str | None = None
        self._stream: Any = None

    def cancel_call(self) -> None:
        """The host waits for this call no more."""
        self._told = True
        if self._call is not None:
            self._call.cancel_call()
        self.cancel()

    # What asyncio.Task has beyond a future.

    def cancel(self, msg: Any = None) -> bool:
        if self.done():
            return False
        self._marked = True
        self._cancels += 1
        if self._fut_waiter is not None and self._fut_waiter.cancel(msg=msg):
            return True
        self._must_cancel = True
        self._cancel_message = msg
        return True

    def cancelling(self) -> int:
        return self._cancels

    def uncancel(self) -> int:
        if self._cancels > 0:
            self._cancels -= 1
        return self._cancels

    def get_coro(self) -> Coroutine[Any, Any, Any] | None:
        return self._coro

    def get_context(self) -> contextvars.Context | None:
        return self._context

    def get_name(self) -> str:
        return self._name or f"resty_ffi-{self._method or 'call'}"

    def set_name(self, value: object) -> None:
        self._marked = True
        self._name = str(value)

    def get_stack(self, *, limit: int | None = None) -> list[Any]:
        frame = inspect.iscoroutine(self._coro) and self._coro.cr_frame
        return [frame] if frame and limit != 0 else []

    def print_stack(self, *, limit: int | None = None, file: io.TextIOBase | None = None) -> None:
        for frame in self.get_stack(limit=limit):
            traceback.print_stack(frame, limit=1, file=file or sys.stderr)

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: contextvars.Context | None = None) -> None:
        self._marked = True
        super().add_done_callback(fn, context=context)

    def set_result(self, result: object) -> NoReturn:
        raise RuntimeError("Task does not support set_result operation")

    def set_exception(self, exception: object) -> NoReturn:
        raise RuntimeError("Task does not support set_exception operation")

    # For the steps.

    def _cancel_waiter(self) -> None:
        if self._fut_waiter is not None and self._fut_waiter.cancel(msg=self._cancel_message):
            self._must_cancel = False

    def _refuse(self, yielded: Any) -> NoReturn:
        if yielded is self:
            raise RuntimeError(f"{self.get_name()} cannot await on itself")
        if getattr(yielded, "_asyncio_future_blocking", None) is None:
            raise RuntimeError(f"a handler awaited something that asyncio does not know: {yielded!r}")
        if yielded.get_loop() is not self.get_loop():
            raise RuntimeError(f"{self.get_name()} got a future of another loop: {yielded!r}")
        raise RuntimeError(f"yield was used instead of yield from with {yielded!r}")

    def _settle(self, exception: BaseException | None) -> None:
        """The call is answered; this is for those who hold the task."""
        if self.done():
            return
        if exception is None:
            super().set_result(None)
        elif isinstance(exception, asyncio.CancelledError):
            super().cancel()
        else:
            super().set_exception(exception)
            self.exception()  # it has been logged
