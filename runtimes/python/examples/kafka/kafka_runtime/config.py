"""What the configuration says."""

import re
from typing import Annotated, Literal

import msgspec


class Config(msgspec.Struct, forbid_unknown_fields=True):
    brokers: Annotated[list[str], msgspec.Meta(min_length=1)]
    acks: Literal["all", "1", "0"] = "all"
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none"
    linger_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 0

    def __post_init__(self) -> None:
        for broker in self.brokers:
            if not re.fullmatch(r"[^/]+:\d+", broker):
                raise ValueError(f"each of `brokers` is HOST:PORT, and one is {broker!r}")
