"""Runtimes of resty-ffi in Python: functions that nginx and other hosts call without blocking their event loop.

A runtime is a module with a :class:`Runtime` in it::

    import resty_ffi

    app = resty_ffi.Runtime()


    @app.method
    def echo(req):
        return req


    @app.method("sum")
    async def total(req, ctx):
        return str(sum(map(int, req.split())))


    @app.stream
    async def chat(requests, ctx):
        async for message in requests:
            yield message

The host loads it through ``libffi_python3.so`` with the configuration ``module,func,config``, here
``ngx.load_ffi("ffi_python3", "my_module,app,")``.
"""

from .context import Context
from .errors import (
    BAD_ARGUMENT,
    BAD_PHASE,
    CANCELLED,
    EXITED,
    NO_METHOD,
    QUEUE_FULL,
    THREW,
    TIMEOUT,
    TOO_LARGE,
    UNLOADED,
    Error,
)
from .loaded import LoadedRuntime
from .log import NOTICE, LogHandler
from .runtime import Runtime
from .shared_dict import BlockingDict, Dict
from .version import __version__

__all__ = [
    "BAD_ARGUMENT",
    "BAD_PHASE",
    "CANCELLED",
    "EXITED",
    "NOTICE",
    "NO_METHOD",
    "QUEUE_FULL",
    "THREW",
    "TIMEOUT",
    "TOO_LARGE",
    "UNLOADED",
    "BlockingDict",
    "Context",
    "Dict",
    "Error",
    "LoadedRuntime",
    "LogHandler",
    "Runtime",
    "__version__",
]
