"""Requests decoded from JSON and checked."""

from typing import Annotated, TypeVar

import msgspec
import resty_ffi

from .errors import INVALID_REQUEST

T = TypeVar("T")

NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
Int32 = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Int64 = Annotated[int, msgspec.Meta(ge=0, lt=2**63 - 1)]


class Request(msgspec.Struct, forbid_unknown_fields=True):
    pass


def decode(text: bytes | None, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text or b"", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        what = f"the request is not JSON of the expected form: {e}"
        raise resty_ffi.Error(INVALID_REQUEST, what) from None
