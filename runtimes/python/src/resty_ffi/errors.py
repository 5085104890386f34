"""The error that a handler raises to fail its call with a code, and the host's own codes."""

TIMEOUT = -1
"""No answer before the deadline."""
CANCELLED = -2
"""The caller went away, or the handler gave up because of its cancellation."""
QUEUE_FULL = -3
"""The runtime has too many calls waiting."""
TOO_LARGE = -4
"""The payload exceeds the host's limit."""
NO_METHOD = -5
"""The runtime has no method of this name."""
THREW = -6
"""The handler raised something other than :class:`Error`."""
EXITED = -7
"""The runtime's process ended."""
UNLOADED = -8
"""The runtime has been unloaded."""
BAD_PHASE = -9
"""The call was made where the host cannot wait."""
BAD_ARGUMENT = -10
"""The host cannot use an argument."""


class Error(Exception):
    """Fails a call with a code and a message, which reach the caller as they are.

    ``code`` is a 32-bit integer other than 0. Positive ones are yours to define; the host's own are negative, and an
    :class:`Error` that the host caused (by the shared dict, say) has one of those. Example::

        raise resty_ffi.Error(404, "no such user")

    Any other exception fails the call too, with the code :data:`THREW`, and its traceback goes to the log.
    """

    def __init__(self, code: int, message: str | bytes = "") -> None:
        if not isinstance(code, int) or code == 0 or not -(2**31) <= code < 2**31:
            raise ValueError(f"the code of an Error is a 32-bit integer other than 0, not {code!r}")
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message if isinstance(self.message, str) else self.message.decode("utf-8", "backslashreplace")
