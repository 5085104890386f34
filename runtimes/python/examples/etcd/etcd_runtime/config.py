"""What the configuration says."""

import re
from typing import Annotated

import msgspec


class Config(msgspec.Struct, forbid_unknown_fields=True):
    endpoints: Annotated[list[str], msgspec.Meta(min_length=1)]
    user: str | None = None
    password: str | None = None

    def __post_init__(self) -> None:
        for endpoint in self.endpoints:
            if not re.fullmatch(r"[^/]+:\d+", endpoint):
                raise ValueError(f"each of `endpoints` is HOST:PORT, and one is {endpoint!r}")
        if (self.user is None) != (self.password is None):
            raise ValueError("`user` and `password` belong together: name both or none")
