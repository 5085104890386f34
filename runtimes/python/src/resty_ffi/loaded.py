"""One loaded runtime, as its author sees it."""

from __future__ import annotations

import json
import logging
import types
from collections.abc import Callable
from typing import Any, TypeVar, overload

from .shared_dict import Dict

T = TypeVar("T")


class LoadedRuntime:
    """The argument of a lifespan, and ``ctx.runtime``."""

    name: str
    """The runtime's name in the host's messages."""
    abi: int
    """The version of the interface that the host implements."""
    config: str | None
    """What follows ``module,func,`` in the configuration; None if nothing does."""
    state: types.SimpleNamespace
    """A place for what the calls of this runtime share."""
    log: logging.Logger
    """A logger that writes to the host's log."""
    dict: Dict
    """The host's shared dicts."""

    def __init__(self, name: str, abi: int, config: str | None, log: logging.Logger, shared: Dict) -> None:
        self.name = name
        self.abi = abi
        self.config = config
        self.state = types.SimpleNamespace()
        self.log = log
        self.dict = shared

    @overload
    def decode_config(self) -> Any: ...

    @overload
    def decode_config(self, cls: Callable[..., T]) -> T: ...

    def decode_config(self, cls: Callable[..., Any] | None = None) -> Any:
        """Decodes the configuration as JSON. With ``cls``, for example a dataclass, it returns ``cls(**decoded)``.

        Raises ValueError or TypeError for anything else, which fails the load if a lifespan or ``init(cfg)`` raises it.
        """
        try:
            value = json.loads(self.config or "")
        except ValueError as e:
            raise ValueError(f"the configuration is not JSON ({e}): {self.config!r}") from None
        if cls is None:
            return value
        if not isinstance(value, dict):
            raise TypeError(f"the configuration must be a JSON object, and is {self.config!r}")
        return cls(**value)
