"""The task of an ``async def`` handler. loader/task.c takes its steps, and explains why it is not asyncio's own."""

from __future__ import annotations

import asyncio
import asyncio.tasks
import contextvars
import inspect
import io
import sys
import traceback
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from _resty_ffi import CallState


class CallTask(asyncio.Future):  # type: ignore[type-arg]
    """Has everything that asyncio's own Task has."""

    __slots__ = ("_call_state", "_name")

    def __init__(self, loop: asyncio.AbstractEventLoop, state: CallState) -> None:
        super().__init__(loop=loop)
        self._call_state = state
        self._name: str | None = None

    # The methods that asyncio.Task adds to a future.

    def cancel(self, msg: Any = None) -> bool:
        if self.done():
            return False
        state = self._call_state
        state.marked = True
        state.cancels += 1
        if state.waiter is not None and state.waiter.cancel(msg=msg):
            return True
        state.must_cancel = True
        self._cancel_message = msg
        return True

    def cancelling(self) -> int:
        return self._call_state.cancels

    def uncancel(self) -> int:
        state = self._call_state
        if state.cancels > 0:
            state.cancels -= 1
        return state.cancels

    def get_coro(self) -> Coroutine[Any, Any, Any] | None:
        return self._call_state.coro

    def get_context(self) -> contextvars.Context | None:
        return self._call_state.context

    def get_name(self) -> str:
        return self._name or f"resty_ffi-{self._call_state.method or 'call'}"

    def set_name(self, value: object) -> None:
        self._call_state.marked = True
        self._name = str(value)

    def get_stack(self, *, limit: int | None = None) -> list[Any]:
        coro = self._call_state.coro
        frame = inspect.iscoroutine(coro) and coro.cr_frame
        return [frame] if frame and limit != 0 else []

    def print_stack(self, *, limit: int | None = None, file: io.TextIOBase | None = None) -> None:
        for frame in self.get_stack(limit=limit):
            traceback.print_stack(frame, limit=1, file=file or sys.stderr)

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: contextvars.Context | None = None) -> None:
        self._call_state.marked = True
        super().add_done_callback(fn, context=context)

    def set_result(self, result: object) -> NoReturn:
        raise RuntimeError("Task does not support set_result operation")

    def set_exception(self, exception: object) -> NoReturn:
        raise RuntimeError("Task does not support set_exception operation")

    # For the steps in C.

    def _cancel_waiter(self) -> None:
        state = self._call_state
        if state.waiter is not None and state.waiter.cancel(msg=self._cancel_message):
            state.must_cancel = False

    def _refuse(self, yielded: Any) -> NoReturn:
        if yielded is self:
            raise RuntimeError(f"{self.get_name()} cannot await on itself")
        if getattr(yielded, "_asyncio_future_blocking", None) is None:
            raise RuntimeError(f"a handler awaited something that asyncio does not know: {yielded!r}")
        if yielded.get_loop() is not self.get_loop():
            raise RuntimeError(f"{self.get_name()} got a future of another loop: {yielded!r}")
        raise RuntimeError(f"yield was used instead of yield from with {yielded!r}")

    def _settle(self, exception: BaseException | None) -> None:
        """Completes the future, for code that holds the task. The call is answered already."""
        if self.done():
            return
        if exception is None:
            super().set_result(None)
        elif isinstance(exception, asyncio.CancelledError):
            super().cancel()
        else:
            super().set_exception(exception)
            self.exception()  # marks it as seen: it was logged


# What a new version of Python may change. The loader checks it before the first call.


def _sets_attribute(task: CallTask) -> CallTask | None:
    try:
        task.mark = True  # type: ignore[attr-defined]
    except AttributeError:
        return task  # a handler cannot set one either
    return None


MARKS: tuple[Callable[[CallTask], object], ...] = (
    lambda task: task,
    lambda task: [task],
    weakref.ref,
    _sets_attribute,
    lambda task: task.set_name("mark"),
    lambda task: task.cancel(),
    lambda task: task.add_done_callback(print),
)
"""What a handler may do that makes its task unfit for another call. The result of each function is kept, too."""


def check_current(loop: asyncio.AbstractEventLoop) -> None:
    """RuntimeError if asyncio does not recognise a task of ours as the current one."""
    task: Any = CallTask(loop, CallState())
    outer = asyncio.current_task(loop)
    if outer is not None:
        asyncio.tasks._leave_task(loop, outer)
    try:
        asyncio.tasks._enter_task(loop, task)
        current = asyncio.current_task(loop)
        asyncio.tasks._leave_task(loop, task)
    finally:
        if outer is not None:
            asyncio.tasks._enter_task(loop, outer)
    if current is not task:
        raise RuntimeError(
            f"the asyncio of Python {sys.version.split()[0]} does not recognise the task of a call as the current one: "
            "this version of resty-ffi is too old for it"
        )
