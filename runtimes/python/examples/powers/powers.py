"""Loaded as `powers,app,{"greeting": "Welcome"}`, with this folder in PYTHONPATH and `dicts = {"cache"}`."""

import asyncio
import contextlib
import dataclasses

import resty_ffi


# [config]
@dataclasses.dataclass
class Config:
    greeting: str = "Hello"


@contextlib.asynccontextmanager
async def lifespan(runtime):
    runtime.state.config = runtime.decode_config(Config) if runtime.config else Config()
    yield


app = resty_ffi.Runtime(lifespan=lifespan)
# [/config]


# [stream]
@app.stream
async def ticks(requests):
    for n in range(int(await anext(requests))):
        yield f"tick {n}"


@app.stream
async def upper(requests):
    async for message in requests:
        yield message.upper()


# [/stream]


# [deadline]
@app.method
async def slow(req, ctx):
    ctx.log.debug("the caller waits %s seconds more", ctx.remaining())
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        ctx.log.info("nobody waits any more")
        raise
    return "done"


# [/deadline]


# [errors]
@app.method
def divide(req):
    a, b = map(int, req.split())
    if b == 0:
        raise resty_ffi.Error(22, "division by zero")
    return str(a // b)


# [/errors]


# [log]
@app.method
def hello(req, ctx):
    name = req.decode()
    ctx.log.info("hello %s", name)
    return f"{ctx.state.config.greeting} {name}"


# [/log]


# [dict]
@app.method
async def visits(req, ctx):
    return str(await ctx.dict("cache").incr(f"visits:{req.decode()}"))


# [/dict]
