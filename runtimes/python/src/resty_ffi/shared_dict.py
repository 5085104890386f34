"""The host's shared dict: nginx's ``lua_shared_dict``, seen by all its workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# asyncio and concurrent.futures are imported where they are used: plain handlers do without their memory.

if TYPE_CHECKING:
    from concurrent.futures import Future

    from .loaded import LoadedRuntime

_GET, _SET, _INCR, _DELETE = 1, 2, 3, 4


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _number(value: bytes) -> int | float:
    return int(value) if value.lstrip(b"-").isdigit() else float(value)


def _milliseconds(ttl: float | None) -> int:
    if ttl is None:
        return 0
    if ttl <= 0:
        raise ValueError(f"the time to live is a number of seconds above 0, not {ttl!r}")
    return max(1, round(ttl * 1000))


class Dict:
    """The shared dict for ``async def`` handlers. Keys and values are bytes, or str as UTF-8;
    values come back as bytes.

    What the host refuses is an :class:`~resty_ffi.Error` with its code.
    """

    def __init__(self, runtime: LoadedRuntime) -> None:
        self._runtime = runtime
        self.blocking = BlockingDict(runtime)
        """The same for handlers with ``thread=True``."""

    async def get(self, key: str | bytes) -> bytes | None:
        """The value, None if there is none."""
        return await self._ask(_GET, key)

    async def set(self, key: str | bytes, value: str | bytes, ttl: float | None = None) -> None:
        """Sets the value, for ``ttl`` seconds or for ever."""
        await self._ask(_SET, key, _bytes(value), _milliseconds(ttl))

    async def incr(self, key: str | bytes, by: int | float = 1) -> int | float:
        """Adds to a number, which is 0 if there is none, and returns the sum."""
        return _number(await self._ask(_INCR, key, str(by).encode()))

    async def delete(self, key: str | bytes) -> None:
        """Removes the value, if there is one."""
        await self._ask(_DELETE, key)

    async def _ask(self, operation: int, key: str | bytes, value: bytes = b"", ttl_ms: int = 0) -> Any:
        import asyncio

        loop = asyncio.get_running_loop()
        if loop is self._runtime.loop:
            answer = loop.create_future()
            self._runtime.ask_dict(answer, operation, _bytes(key), value, ttl_ms)
            return await answer
        return await asyncio.wrap_future(_ask_from_elsewhere(self._runtime, operation, key, value, ttl_ms))


class BlockingDict:
    """The shared dict for code that may block: ``ctx.dict.blocking`` in a handler with ``thread=True``, or in a thread
    of your own. The methods are those of :class:`Dict`. In the thread that takes the calls they raise RuntimeError,
    as the answer could never come."""

    def __init__(self, runtime: LoadedRuntime) -> None:
        self._runtime = runtime

    def get(self, key: str | bytes) -> bytes | None:
        return self._ask(_GET, key)

    def set(self, key: str | bytes, value: str | bytes, ttl: float | None = None) -> None:
        self._ask(_SET, key, _bytes(value), _milliseconds(ttl))

    def incr(self, key: str | bytes, by: int | float = 1) -> int | float:
        return _number(self._ask(_INCR, key, str(by).encode()))

    def delete(self, key: str | bytes) -> None:
        self._ask(_DELETE, key)

    def _ask(self, operation: int, key: str | bytes, value: bytes = b"", ttl_ms: int = 0) -> Any:
        if self._runtime.takes_calls_here():
            raise RuntimeError(
                "ctx.dict.blocking would block the thread that takes the calls: make the handler `async def` and "
                "await ctx.dict, or register it with thread=True"
            )
        return _ask_from_elsewhere(self._runtime, operation, key, value, ttl_ms).result()


def _ask_from_elsewhere(
    runtime: LoadedRuntime, operation: int, key: str | bytes, value: bytes, ttl_ms: int
) -> Future[bytes | None]:
    from concurrent.futures import Future

    answer: Future[bytes | None] = Future()
    runtime.ask_dict(answer, operation, _bytes(key), value, ttl_ms)
    return answer
