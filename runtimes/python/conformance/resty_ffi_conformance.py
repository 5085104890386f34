"""The conformance runtime in Python: every method that the suite calls."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import time

import resty_ffi

LEVELS = {"debug": 10, "info": 20, "notice": resty_ffi.NOTICE, "warn": 30, "error": 40, "crit": 50}


@contextlib.asynccontextmanager
async def lifespan(runtime):
    runtime.state.cancelled = 0
    yield


app = resty_ffi.Runtime(lifespan=lifespan)

FLIPPED = bytes(byte ^ 0x5A for byte in range(256))
PATTERN = bytes(range(251))


@app.method
def lang(req, ctx):
    return json.dumps(
        {
            "language": "python",
            "version": platform.python_version(),
            "sdk": resty_ffi.__version__,
            "abi": ctx.runtime.abi,
            "pid": os.getpid(),
        }
    )


@app.method
def echo(req):
    return req


@app.method("async-echo")
async def async_echo(req):
    return req


@app.method
def xor(req):
    return (req or b"").translate(FLIPPED)


@app.method
def empty(req):
    return b""


@app.method
def none(req):
    return None


@app.method
def nilreq(req):
    return "nil" if req is None else "bytes" if req else "empty"


@app.method
def fill(req):
    n = int(req)
    return (PATTERN * (n // len(PATTERN) + 1))[:n]


@app.method
async def sleep(req):
    await asyncio.sleep(int(req) / 1000)
    return "slept"


@app.method(thread=True)
def block(req):
    time.sleep(int(req) / 1000)
    return "blocked"


@app.method
def fail(req):
    code, _, message = req.decode().partition(" ")
    raise resty_ffi.Error(int(code), message)


@app.method
def throw(req):
    raise RuntimeError("thrown on purpose")


@app.method
async def never(req, ctx):
    try:
        await asyncio.Event().wait()
    finally:
        ctx.state.cancelled += 1


@app.method
def cancelled(req, ctx):
    return str(ctx.state.cancelled)


@app.method
def remaining(req, ctx):
    seconds = ctx.remaining()
    return "-1" if seconds is None else str(int(seconds * 1000))


@app.method
def config(req, ctx):
    return ctx.config


@app.method
def log(req, ctx):
    level, _, message = req.decode().partition(" ")
    ctx.log.log(LEVELS[level], message)
    return "logged"


@app.method("dict")
async def shared_dict(req, ctx):
    match req.decode().split(" ", 2):
        case ["set", key, value]:
            await ctx.dict.set(key, value)
            return value
        case ["get", key]:
            return await ctx.dict.get(key)
        case ["incr", key, by]:
            return str(await ctx.dict.incr(key, int(by)))
        case ["delete", key]:
            return await ctx.dict.delete(key)
    raise ValueError(f"no such operation on the dict: {req!r}")


@app.method
def crash(req):
    os.abort()


@app.method("exit")
def leave(req):
    os._exit(3)
