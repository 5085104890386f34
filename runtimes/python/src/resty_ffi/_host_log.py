"""One runtime's way into the log of its host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _resty_ffi import Core

# The host's levels.
CRIT, ERR, WARN, NOTICE, INFO, DEBUG = range(3, 9)


class HostLog:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._closed = False

    def write(self, level: int, text: str) -> bool:
        """Writes a line. False after the end of the runtime, when its host takes no more lines."""
        if self._closed:
            return False
        self._core.log(level, text.encode("utf-8", "backslashreplace"))
        return True

    def close(self) -> None:
        self._closed = True


live: list[HostLog] = []
"""The logs that take lines, in the order in which their runtimes were loaded."""
