"""The runtime: what talks to the brokers, from load to unload."""

import contextlib
from collections.abc import AsyncIterator

import msgspec
import resty_ffi

from .clients import Clients
from .config import Config
from .log import calm


@contextlib.asynccontextmanager
async def lifespan(runtime: resty_ffi.LoadedRuntime) -> AsyncIterator[None]:
    calm()
    runtime.state.config = msgspec.convert(runtime.decode_config(), Config)
    runtime.state.clients = Clients(runtime.state.config)
    try:
        yield
    finally:
        await runtime.state.clients.close()


app = resty_ffi.Runtime(lifespan=lifespan)
