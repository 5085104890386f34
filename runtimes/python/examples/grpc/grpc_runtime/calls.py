"""RPCs on behalf of a call or a stream: they have its deadline, and end when it does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc.aio
import resty_ffi
from google.protobuf.message import Message

from .messages import from_json

# A status that arrives this close to the deadline is due to the deadline.
CLOSE_SECONDS = 0.05


@contextlib.contextmanager
def rpc(method: Any, ctx: resty_ffi.Context, *request: Message) -> Iterator[Any]:
    """Begins an RPC of any kind. An error status fails the call."""
    call = method(*request, timeout=ctx.remaining())
    try:
        yield call
    except grpc.aio.AioRpcError as e:
        code, name = status_of(e, ctx).value
        raise resty_ffi.Error(code, e.details() or name) from None
    finally:
        call.cancel()


def status_of(error: grpc.aio.AioRpcError, ctx: resty_ffi.Context) -> grpc.StatusCode:
    """Servers in Go reset the stream at the deadline, a moment before gRPC's clock here sees it pass."""
    left = ctx.remaining()
    if error.code() is grpc.StatusCode.CANCELLED and left is not None and left < CLOSE_SECONDS:
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return error.code()


async def send_all(call: Any, kind: type[Message], requests: AsyncIterator[bytes]) -> None:
    """Passes the caller's messages on, until the caller closes its direction or the server has ended the RPC."""
    with contextlib.suppress(asyncio.InvalidStateError):  # it has ended: reading the answers shows why
        async for request in requests:
            await call.write(from_json(request, kind))
        await call.done_writing()


@contextlib.asynccontextmanager
async def sending(call: Any, kind: type[Message], requests: AsyncIterator[bytes]) -> AsyncIterator[None]:
    """Sends in parallel to the body. A message that cannot be passed on ends the RPC."""
    sender = asyncio.create_task(send_all(call, kind, requests))
    sender.add_done_callback(lambda task: task.cancelled() or task.exception() is None or call.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if sender.done():
            sender.result()
        raise
    finally:
        sender.cancel()
        await asyncio.wait([sender])
