"""JSON to protobuf and back, by protobuf's own rules and with the names of the .proto files."""

from typing import Any, TypeVar

import grpc
import msgspec
import resty_ffi
from google.protobuf import json_format
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


def from_json(text: bytes | None, kind: type[M]) -> M:
    try:
        return json_format.ParseDict(msgspec.json.decode(text or b"", type=dict[str, Any]), kind())
    except (msgspec.DecodeError, UnicodeDecodeError, json_format.ParseError) as e:
        code, _ = grpc.StatusCode.INVALID_ARGUMENT.value
        raise resty_ffi.Error(code, f"the request is not a {kind.DESCRIPTOR.full_name} in JSON: {e}") from None


def to_json(message: Message) -> bytes:
    fields = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return msgspec.json.encode(fields)
