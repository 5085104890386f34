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
"""The connection is to blame: another one may do better."""


@contextlib.contextmanager
def status_errors() -> Iterator[None]:
    """Fails the call with the status that an RPC has ended with."""
    try:
        yield
    except grpc.aio.AioRpcError as e:
        code, name = e.code().value
        raise resty_ffi.Error(code, e.details() or name) from None
