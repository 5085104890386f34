"""The runtime: one channel, and the stubs that use it, from load to unload."""

import contextlib
from collections.abc import AsyncIterator

import msgspec
import resty_ffi

from .channel import open_channel
from .config import Config
from .generated.echo_pb2_grpc import EchoStub
from .generated.helloworld_pb2_grpc import GreeterStub
from .generated.route_guide_pb2_grpc import RouteGuideStub


@contextlib.asynccontextmanager
async def lifespan(runtime: resty_ffi.LoadedRuntime) -> AsyncIterator[None]:
    config = msgspec.convert(runtime.decode_config(), Config)
    async with open_channel(config) as channel:
        runtime.state.greeter = GreeterStub(channel)
        runtime.state.route_guide = RouteGuideStub(channel)
        runtime.state.echo = EchoStub(channel)
        yield


app = resty_ffi.Runtime(lifespan=lifespan)
