"""What a handler can find out about its call."""

from __future__ import annotations

import logging
import time
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .loaded import LoadedRuntime
    from .shared_dict import Dict


class Context:
    """The second argument of a handler that takes one. Each call has its own; any thread may read its properties."""

    __slots__ = ("_cancelled", "_deadline_ns", "method", "runtime")

    runtime: LoadedRuntime
    """The loaded runtime that serves the call."""
    method: str
    """The name that was called."""

    def __init__(self, runtime: LoadedRuntime, method: str, deadline_ns: int) -> None:
        self.runtime = runtime
        self.method = method
        self._deadline_ns = deadline_ns
        self._cancelled = False

    @property
    def deadline(self) -> float | None:
        """When the caller stops waiting: seconds on the clock of :func:`time.monotonic`, which is also that of
        asyncio's loop, so ``asyncio.timeout_at(ctx.deadline)`` works. None = never."""
        return self._deadline_ns / 1e9 if self._deadline_ns else None

    def remaining(self) -> float | None:
        """Seconds until the deadline, 0 after it; None without a deadline."""
        return max(0, self._deadline_ns - time.monotonic_ns()) / 1e9 if self._deadline_ns else None

    @property
    def cancelled(self) -> bool:
        """Whether the caller has gone away or its deadline has passed. An ``async def`` handler is also cancelled in
        asyncio's way. A handler with ``thread=True`` should check this from time to time, and so should a plain
        generator while it does not wait for its stream."""
        return self._cancelled

    @property
    def config(self) -> str | None:
        """The runtime's configuration: what follows ``module,func,``. None if nothing does."""
        return self.runtime.config

    @property
    def state(self) -> types.SimpleNamespace:
        """The place for what the calls of this runtime share."""
        return self.runtime.state

    @property
    def log(self) -> logging.Logger:
        """A logger that writes to the host's log, at every level that the host keeps."""
        return self.runtime.log

    @property
    def dict(self) -> Dict:
        """The host's shared dict: the first that this runtime may use; ``ctx.dict("name")`` is another."""
        return self.runtime.dict

    def cancel_call(self) -> None:
        self._cancelled = True
