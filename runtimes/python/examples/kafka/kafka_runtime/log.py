"""aiokafka's log. While a broker is down, aiokafka repeats the same line several times a second."""

import logging
import time

import resty_ffi

PAUSE_SECONDS = 60


class NotAgain(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - self._said.get(record.msg, -PAUSE_SECONDS) < PAUSE_SECONDS:
            return False
        self._said[record.msg] = now
        return True


def calm() -> None:
    """The first of each kind goes to the host's log, then one a minute."""
    logger = logging.getLogger("aiokafka")
    if logger.handlers:  # this module has been loaded before
        return
    handler = resty_ffi.LogHandler(logging.WARNING)
    handler.addFilter(NotAgain())
    logger.addHandler(handler)
    logger.propagate = False
