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

    ``ctx.log`` has one. What other loggers say reaches the host's log from level WARNING on, as long as nobody
    configures :mod:`logging`. To send more, or with a format::

        logging.basicConfig(level=logging.INFO, handlers=[resty_ffi.LogHandler()])

    A record goes to the host of the runtime in whose code it was made; one of nobody's code (in a thread that a package
    has started, say) to that of the runtime that was loaded first; standard error if there is none.
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
    """The logger that ``ctx.log`` is: the host decides which levels it keeps.

    It is not among those that :mod:`logging` knows, which are the whole process's: `logging.config.dictConfig` and
    `logging.disable` would silence it, and with it the tracebacks of handlers. Its children are its own, too.
    """
    logger = logging.Logger(f"resty_ffi.{name}", logging.DEBUG)
    logger.manager = logging.Manager(logger)  # type: ignore[arg-type]
    logger.addHandler(_RuntimeHandler(log))
    return logger
