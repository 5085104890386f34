"""routeguide.RouteGuide: an RPC of each kind."""

from collections.abc import AsyncGenerator, AsyncIterator

import resty_ffi

from .calls import rpc, send_all, sending
from .generated.route_guide_pb2 import Point, Rectangle, RouteNote
from .messages import from_json, to_json
from .runtime import app


@app.method
async def get_feature(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    request = from_json(req, Point)
    with rpc(ctx.state.route_guide.GetFeature, ctx, request) as call:
        return to_json(await call)


@app.stream
async def list_features(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncGenerator[bytes, None]:
    request = from_json(await anext(requests, None), Rectangle)
    with rpc(ctx.state.route_guide.ListFeatures, ctx, request) as call:
        async for feature in call:
            yield to_json(feature)


@app.stream
async def record_route(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncGenerator[bytes, None]:
    with rpc(ctx.state.route_guide.RecordRoute, ctx) as call:
        await send_all(call, Point, requests)
        yield to_json(await call)


@app.stream
async def route_chat(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncGenerator[bytes, None]:
    with rpc(ctx.state.route_guide.RouteChat, ctx) as call:
        async with sending(call, RouteNote, requests):
            async for note in call:
                yield to_json(note)
