"""What a configuration may name."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import resty_ffi

app = resty_ffi.Runtime()


@app.method
def config(req: bytes, ctx: resty_ffi.Context) -> Any:
    return ctx.config


@app.method
def state(req: bytes, ctx: resty_ffi.Context) -> str:
    ctx.state.calls = getattr(ctx.state, "calls", 0) + 1
    return str(ctx.state.calls)


@dataclasses.dataclass
class Settings:
    greeting: str


@contextlib.asynccontextmanager
async def lifespan(runtime: resty_ffi.LoadedRuntime) -> AsyncIterator[None]:
    runtime.state.settings = runtime.decode_config(Settings)
    yield


typed = resty_ffi.Runtime(lifespan=lifespan)


@typed.method
def greet(req: bytes, ctx: resty_ffi.Context) -> Any:
    return ctx.state.settings.greeting


def init(cfg: Any) -> Any:
    made = resty_ffi.Runtime()

    @made.method
    def config(req: bytes) -> str:
        return f"made for {cfg}"

    return made


def fails(cfg: Any) -> None:
    raise ValueError("a bad configuration: grüße")


def wrong(cfg: Any) -> Any:
    return 5


def three(cfg: Any, queue: Any, more: Any) -> Any:
    return 0


no_function = 5
