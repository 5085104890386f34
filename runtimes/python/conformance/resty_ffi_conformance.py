"""The conformance runtime in Python: every method that the suite calls."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import resty_ffi

LEVELS = {"debug": 10, "info": 20, "notice": resty_ffi.NOTICE, "warn": 30, "error": 40, "crit": 50}


@contextlib.asynccontextmanager
async def lifespan(runtime: resty_ffi.LoadedRuntime) -> AsyncIterator[None]:
    runtime.state.cancelled = 0
    runtime.state.streams = 0
    runtime.state.finish = None
    yield
    if runtime.state.finish:
        ms, path = runtime.state.finish.split(" ", 1)
        await asyncio.sleep(int(ms) / 1000)
        with open(path, "a") as file:  # noqa: ASYNC230
            file.write("finished\n")


app = resty_ffi.Runtime(lifespan=lifespan)

FLIPPED = bytes(byte ^ 0x5A for byte in range(256))
PATTERN = bytes(range(251))


@app.method
def lang(req: bytes, ctx: resty_ffi.Context) -> str:
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
def echo(req: bytes) -> bytes:
    return req


@app.method("async-echo")
async def async_echo(req: bytes) -> bytes:
    return req


@app.method
def xor(req: bytes | None) -> bytes:
    return (req or b"").translate(FLIPPED)


@app.method
def finish(req: bytes, ctx: resty_ffi.Context) -> None:
    """``MS FILE``: the work to finish at the end takes MS milliseconds, and then adds a line to the file."""
    ctx.state.finish = req.decode()


@app.method
def empty(req: bytes) -> bytes:
    return b""


@app.method
def none(req: bytes) -> None:
    return None


@app.method
def nilreq(req: bytes | None) -> str:
    return "nil" if req is None else "bytes" if req else "empty"


@app.method
def fill(req: bytes) -> bytes:
    n = int(req)
    return (PATTERN * (n // len(PATTERN) + 1))[:n]


@app.method
async def sleep(req: bytes) -> str:
    await asyncio.sleep(int(req) / 1000)
    return "slept"


@app.method(thread=True)
def block(req: bytes) -> str:
    time.sleep(int(req) / 1000)
    return "blocked"


@app.method
def fail(req: bytes) -> None:
    code, _, message = req.decode().partition(" ")
    raise resty_ffi.Error(int(code), message)


@app.method
def throw(req: bytes) -> None:
    raise RuntimeError("thrown on purpose")


@app.method
async def never(req: bytes, ctx: resty_ffi.Context) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ctx.state.cancelled += 1


@app.method
def cancelled(req: bytes, ctx: resty_ffi.Context) -> str:
    return str(ctx.state.cancelled)


@app.method
def remaining(req: bytes, ctx: resty_ffi.Context) -> str:
    seconds = ctx.remaining()
    return "-1" if seconds is None else str(int(seconds * 1000))


@app.method
def config(req: bytes, ctx: resty_ffi.Context) -> str | None:
    return ctx.config


@app.method
def log(req: bytes, ctx: resty_ffi.Context) -> str:
    level, _, message = req.decode().partition(" ")
    ctx.log.log(LEVELS[level], message)
    return "logged"


def value_and_ttl(text: str) -> tuple[str, float | None]:
    """``V [TTL_MS]``, where V may have spaces."""
    value, _, last = text.rpartition(" ")
    return (value, int(last) / 1000) if value and last.isdigit() else (text, None)


@app.method("dict")
async def shared_dict(req: bytes, ctx: resty_ffi.Context) -> str | bytes | None:
    zone, text = ctx.dict, req.decode()
    if text.startswith("in "):
        _, name, text = text.split(" ", 2)
        zone = ctx.dict(name)
    match text.split(" ", 2):
        case ["set", key, rest]:
            value, ttl = value_and_ttl(rest)
            await zone.set(key, value, ttl)
            return value
        case ["add", key, rest]:
            value, ttl = value_and_ttl(rest)
            return value if await zone.add(key, value, ttl) else None
        case ["get", key]:
            return await zone.get(key)
        case ["incr", key, rest]:
            by, ttl = value_and_ttl(rest)
            return str(await zone.incr(key, int(by), ttl))
        case ["delete", key]:
            await zone.delete(key)
            return None
    raise ValueError(f"no such operation on the dict: {req!r}")


@app.method("print")
def print_line(req: bytes) -> bytes:
    where, _, text = req.decode().partition(" ")
    print(text, file={"stdout": sys.stdout, "stderr": sys.stderr}[where], flush=True)
    return b""


@contextlib.contextmanager
def counted(ctx: resty_ffi.Context) -> Iterator[None]:
    """Counts the streams that run, and those that are cancelled before their end."""
    ctx.state.streams += 1
    try:
        yield
    except (asyncio.CancelledError, GeneratorExit):
        ctx.state.cancelled += 1
        raise
    finally:
        ctx.state.streams -= 1


@app.method
def streams(req: bytes, ctx: resty_ffi.Context) -> str:
    return str(ctx.state.streams)


@app.stream
async def count(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[str | bytes]:
    with counted(ctx):
        for n in range(int(await anext(requests))):
            yield str(n)


@app.stream("sum")
async def total(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[str | bytes]:
    with counted(ctx):
        yield str(sum([int(number) async for number in requests]))


@app.stream
async def chat(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[str | bytes]:
    with counted(ctx):
        async for message in requests:
            yield message


@app.stream
async def flood(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[str | bytes]:
    message = fill(b"65536")
    with counted(ctx):
        for _ in range(int(await anext(requests))):
            yield message


@app.stream
async def failstream(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncIterator[str | bytes]:
    with counted(ctx):
        for n in range(int(await anext(requests))):
            yield str(n)
        raise resty_ffi.Error(7, "mid-stream")


@app.method
def crash(req: bytes) -> None:
    os.abort()


@app.method("exit")
def leave(req: bytes) -> None:
    os._exit(int(req or 3))


def told(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"


def parse_run(req: bytes) -> tuple[bool, float, list[str]]:
    """A line ``wait MS`` or ``end MS``, then a line for each word of the program. After MS milliseconds the
    handler waits for the program, or ends it first."""
    first, *words = req.decode().split("\n")
    what, ms = first.split()
    return what == "end", int(ms) / 1000, words


@app.method(thread=True)
def run(req: bytes) -> str:
    end, pause, words = parse_run(req)
    program = subprocess.Popen(words)
    time.sleep(pause)
    if end:
        program.terminate()
    return told(program.wait())


@app.method("run-async")
async def run_async(req: bytes) -> str:
    end, pause, words = parse_run(req)
    program = await asyncio.create_subprocess_exec(*words)
    await asyncio.sleep(pause)
    if end:
        program.terminate()
    return told(await program.wait())


def double(pipe: Any) -> None:
    pipe.send(pipe.recv() * 2)


@app.method(thread=True)
def processes(req: bytes) -> str:
    """``METHOD NUMBER``: what a process that multiprocessing starts makes of a number, and how it and another
    process, which is terminated, end."""
    method, number = req.decode().split()
    context: Any = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    works = context.Process(target=double, args=(theirs,))
    sleeps = context.Process(target=time.sleep, args=(60,))

    def start() -> None:
        works.start()
        sleeps.start()
        sleeps.terminate()

    # A process that a pool's thread forks fails at its end, in every Python: it tries to join itself.
    starter = threading.Thread(target=start)
    starter.start()
    starter.join()
    ours.send(int(number))
    result = ours.recv()
    works.join()
    sleeps.join()
    return f"{result} {told(works.exitcode)} {told(sleeps.exitcode)}"


@app.method
def environment(req: bytes) -> str:
    return "\n".join(sorted(f"{name}={value}" for name, value in os.environ.items()))


@app.method
def arguments(req: bytes) -> str:
    return str(len(sys.argv) - 1)
