"""Which keys a request is about."""

from .messages import Request


class Keys(Request):
    """One key; with `prefix`, all keys that begin with it; with `range_end`, the keys from `key` to just before it."""

    key: str
    prefix: bool = False
    range_end: str | None = None

    def __post_init__(self) -> None:
        if self.prefix and self.range_end is not None:
            raise ValueError("`prefix` and `range_end` exclude each other: leave one out")

    def interval(self) -> dict[str, bytes]:
        """The fields of a request in etcd's API."""
        key = self.key.encode()
        if not self.prefix:
            return {"key": key, "range_end": (self.range_end or "").encode()}
        if not key:
            return {"key": b"\0", "range_end": b"\0"}  # all
        return {"key": key, "range_end": key[:-1] + bytes([key[-1] + 1])}  # UTF-8 has no byte 255
