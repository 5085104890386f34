"""Requests decoded from JSON and checked; keys and values in UTF-8."""

from typing import Annotated, TypeVar

import msgspec
import resty_ffi

from .status import INVALID_ARGUMENT

T = TypeVar("T")

Int64 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Request(msgspec.Struct, forbid_unknown_fields=True):
    pass


def invalid(what: str) -> resty_ffi.Error:
    return resty_ffi.Error(INVALID_ARGUMENT, what)


def decode(text: bytes | None, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text or b"", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise invalid(f"the request is not JSON of the expected form: {e}") from None


def lease_id(text: str, field: str) -> int:
    """Ids are strings in JSON, because not every JSON reader has 64-bit integers."""
    if text.isascii() and text.isdecimal() and (number := int(text)) < 2**63:
        return number
    raise invalid(f"`{field}` must be the id of a lease, a string of digits, and is {text!r}")


def text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
