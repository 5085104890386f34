"""Python's logging, into the host's log."""

from __future__ import annotations

import logging
import sys

from . import _host_log, _modules
from ._host_log import CRIT, DEBUG, ERR, INFO, WARN, HostLog

NOTICE = 25
"""The host's level between info and warn: ``ctx.log.log(resty_ffi.NOTICE, "…")``."""

logging.addLevelName(NOTICE, "NOTICE")

# Python's levels and, from each of them up, the host's.
_LEVELS = (
    (logging.CRITICAL, CRIT),
    (logging.ERROR, ERR),
    (logging.WARNING, WARN),
    (NOTICE, _host_log.NOTICE),
    (logging.INFO, INFO),
)


def host_level(level: int) -> int:
    return next((host for python, host in _LEVELS if level >= python), DEBUG)


class LogHandler(logging.Handler):
    """Sends records to the log of the host, at the level they have there.

    ``ctx.log`` has one. Records of other loggers reach the host's log from level WARNING on, as long as :mod:`logging`
    is not configured. To send more of them, or to set a format::

        logging.basicConfig(level=logging.INFO, handlers=[resty_ffi.LogHandler()])

    A record goes to the log of the runtime whose code made it. A record of other code, for example in a thread that a
    package started, goes to the log of the runtime that was loaded first, or to standard error without any runtime.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            log = self._host_log()
            if log is None or not log.write(host_level(record.levelno), text):
                print(text, file=sys.stderr)
        except Exception:
            self.handleError(record)

    def _host_log(self) -> HostLog | None:
        owner = _modules.asking()
        return (owner and owner.host_log) or next(iter(_host_log.live), None)


class _RuntimeHandler(LogHandler):
    def __init__(self, log: HostLog) -> None:
        super().__init__()
        self._log = log

    def _host_log(self) -> HostLog:
        return self._log


def runtime_logger(log: HostLog, name: str) -> logging.Logger:
    """The logger behind ``ctx.log``. The host decides which levels it keeps.

    :mod:`logging` does not know this logger or its children: its loggers belong to the whole process, and
    `logging.config.dictConfig` and `logging.disable` would silence them, and with them the tracebacks of handlers.
    """
    logger = logging.Logger(f"resty_ffi.{name}", logging.DEBUG)
    logger.manager = logging.Manager(logger)  # type: ignore[arg-type]
    logger.addHandler(_RuntimeHandler(log))
    return logger
