"""grpc.examples.echo.Echo"""

from collections.abc import AsyncGenerator, AsyncIterator

import resty_ffi

from .calls import rpc, sending
from .generated.echo_pb2 import EchoRequest
from .messages import from_json, to_json
from .runtime import app


@app.method
async def unary_echo(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    request = from_json(req, EchoRequest)
    with rpc(ctx.state.echo.UnaryEcho, ctx, request) as call:
        return to_json(await call)


@app.stream
async def echo_stream(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncGenerator[bytes, None]:
    with rpc(ctx.state.echo.BidirectionalStreamingEcho, ctx) as call:
        async with sending(call, EchoRequest, requests):
            async for answer in call:
                yield to_json(answer)
