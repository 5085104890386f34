"""helloworld.Greeter"""

import resty_ffi

from .calls import rpc
from .generated.helloworld_pb2 import HelloRequest
from .messages import from_json, to_json
from .runtime import app


@app.method
async def say_hello(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    request = from_json(req, HelloRequest)
    with rpc(ctx.state.greeter.SayHello, ctx, request) as call:
        return to_json(await call)
