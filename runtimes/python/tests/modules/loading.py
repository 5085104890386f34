"""What a configuration may name."""

import contextlib
import dataclasses

import resty_ffi

app = resty_ffi.Runtime()


@app.method
def config(req, ctx):
    return ctx.config


@app.method
def state(req, ctx):
    ctx.state.calls = getattr(ctx.state, "calls", 0) + 1
    return str(ctx.state.calls)


@dataclasses.dataclass
class Settings:
    greeting: str


@contextlib.asynccontextmanager
async def lifespan(runtime):
    runtime.state.settings = runtime.decode_config(Settings)
    yield


typed = resty_ffi.Runtime(lifespan=lifespan)


@typed.method
def greet(req, ctx):
    return ctx.state.settings.greeting


def init(cfg):
    made = resty_ffi.Runtime()

    @made.method
    def config(req):
        return f"made for {cfg}"

    return made


def fails(cfg):
    raise ValueError("a bad configuration: grüße")


def wrong(cfg):
    return 5


def three(cfg, queue, more):
    return 0


no_function = 5
