"""gRPC's status codes, which are the codes of this runtime's errors."""

import contextlib
from collections.abc import Iterator

import grpc.aio
import resty_ffi

INVALID_ARGUMENT = 3
NOT_FOUND = 5
PERMISSION_DENIED = 7
OUT_OF_RANGE = 11
INTERNAL = 13
UNAVAILABLE = 14

BROKEN = (INTERNAL, UNAVAILABLE)
"""These come from the connection: a new connection may succeed."""


# A status that arrives this close to the deadline is due to the deadline.
CLOSE_SECONDS = 0.05


@contextlib.contextmanager
def status_errors(ctx: resty_ffi.Context) -> Iterator[None]:
    """Fails the call with the status of an RPC."""
    try:
        yield
    except grpc.aio.AioRpcError as e:
        code, name = status_of(e, ctx).value
        raise resty_ffi.Error(code, e.details() or name) from None


def status_of(error: grpc.aio.AioRpcError, ctx: resty_ffi.Context) -> grpc.StatusCode:
    """etcd resets the stream at the deadline, a moment before gRPC's clock here sees it pass."""
    left = ctx.remaining()
    if error.code() is grpc.StatusCode.CANCELLED and left is not None and left < CLOSE_SECONDS:
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return error.code()
