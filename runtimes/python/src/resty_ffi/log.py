"""Python's logging, into the host's log."""

from __future__ import annotations

import contextvars
import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .loaded import LoadedRuntime

NOTICE = 25
"""The host's level between info and warn: ``ctx.log.log(resty_ffi.NOTICE, "…")``."""

logging.addLevelName(NOTICE, "NOTICE")

# Python's levels and, from each of them up, the host's.
_LEVELS = ((logging.CRITICAL, 3), (logging.ERROR, 4), (logging.WARNING, 5), (NOTICE, 6), (logging.INFO, 7))
_DEBUG = 8

current: contextvars.ContextVar[LoadedRuntime | None] = contextvars.ContextVar("resty_ffi_current", default=None)
"""The runtime on whose behalf the running code runs."""

live: list[LoadedRuntime] = []
"""Every runtime that has a host's log, in the order of loading."""


def host_level(level: int) -> int:
    return next((host for python, host in _LEVELS if level >= python), _DEBUG)


class LogHandler(logging.Handler):
    """Sends records to the log of the host, at the level they have there.

    ``ctx.log`` has one. What other loggers say reaches the host's log from level WARNING on, as long as nobody
    configures :mod:`logging`. To send more, or with a format::

        logging.basicConfig(level=logging.INFO, handlers=[resty_ffi.LogHandler()])

    A record goes to the host of the runtime in whose handler it was made; one of no handler (from a thread of the
    author's own, say) to that of the runtime that was loaded first; standard error if there is none.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            runtime = current.get() or next(iter(live), None)
            if runtime is None or not runtime.write_log(host_level(record.levelno), text):
                print(text, file=sys.stderr)
        except Exception:
            self.handleError(record)


def runtime_logger(name: str) -> logging.Logger:
    """The logger that ``ctx.log`` is: the host decides which levels it keeps."""
    logger = logging.getLogger(f"resty_ffi.{name}")
    if not logger.handlers:
        logger.addHandler(LogHandler())
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    return logger
