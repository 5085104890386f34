"""What the configuration says."""

from typing import Annotated

import msgspec

NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]


class Tls(msgspec.Struct, forbid_unknown_fields=True):
    """Paths of PEM files; `host` is the name in the server's certificate, if it is not that of the address."""

    ca: NonEmpty
    cert: NonEmpty | None = None
    key: NonEmpty | None = None
    host: NonEmpty | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise ValueError("`cert` and `key` belong together: name both or none")


class Config(msgspec.Struct, forbid_unknown_fields=True):
    address: NonEmpty
    tls: Tls | None = None
