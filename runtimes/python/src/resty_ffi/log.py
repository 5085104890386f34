"""Python's logging, into the host's log."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from . import _modules

if TYPE_CHECKING:
    from .loaded import LoadedRuntime

NOTICE = 25
"""The host's level between info and warn: ``ctx.log.log(resty_ffi.NOTICE, "…")``."""

logging.addLevelName(NOTICE, "NOTICE")

# Python's levels and, from each of them up, the host's.
_LEVELS = ((logging.CRITICAL, 3), (logging.ERROR, 4), (logging.WARNING, 5), (NOTICE, 6), (logging.INFO, 7))
_DEBUG = 8

live: list[LoadedRuntime] = []
"""Every runtime that has a host's log, in the order of loading."""


def host_level(level: int) -> int:
    return next((host for python, host in _LEVELS if level >= python), _DEBUG)


class LogHandler(logging.Handler):
    """Sends records to the log of the host, at the level they have there.

    ``ctx.log`` has one. What other loggers say reaches the host's log from level WARNING on, as long as nobody
    configures :mod:`logging`. To send more, or with a format::

        logging.basicConfig(level=logging.INFO, handlers=[resty_ffi.LogHandler()])

    A record goes to the host of the runtime in whose code it was made; one of nobody's code (in a thread that a package
    has started, say) to that of the runtime that was loaded first; standard error if there is none.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            runtime = self._runtime()
            if runtime is None or not runtime.write_log(host_level(record.levelno), text):
                print(text, file=sys.stderr)
        except Exception:
            self.handleError(record)

    def _runtime(self) -> LoadedRuntime | None:
        owner = _modules.asking()
        return (owner and owner.runtime) or next(iter(live), None)


class _RuntimeHandler(LogHandler):
    def __init__(self, runtime: LoadedRuntime) -> None:
        super().__init__()
        self._its = runtime

    def _runtime(self) -> LoadedRuntime:
        return self._its


def runtime_logger(runtime: LoadedRuntime, name: str) -> logging.Logger:
    """The logger that ``ctx.log`` is: the host decides which levels it keeps.

    It is not among those that :mod:`logging` knows, which are the whole process's: `logging.config.dictConfig` and
    `logging.disable` would silence it, and with it the tracebacks of handlers. Its children are its own, too.
    """
    logger = logging.Logger(f"resty_ffi.{name}", logging.DEBUG)
    logger.manager = logging.Manager(logger)  # type: ignore[arg-type]
    logger.addHandler(_RuntimeHandler(runtime))
    return logger
