"""The runtime: the connection to etcd, from load to unload."""

import contextlib
from collections.abc import AsyncIterator

import msgspec
import resty_ffi

from .cluster import Cluster
from .config import Config


@contextlib.asynccontextmanager
async def lifespan(runtime: resty_ffi.LoadedRuntime) -> AsyncIterator[None]:
    config = msgspec.convert(runtime.decode_config(), Config)
    async with Cluster(config) as runtime.state.cluster:
        yield


app = resty_ffi.Runtime(lifespan=lifespan)
