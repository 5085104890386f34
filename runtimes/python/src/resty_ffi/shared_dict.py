"""The host's shared dicts: nginx's ``lua_shared_dict``, seen by all its workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

# asyncio and concurrent.futures are imported where they are used: plain handlers do without their memory.

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

_GET, _SET, _INCR, _DELETE, _ADD = 1, 2, 3, 4, 5


class Asker(Protocol):
    """What asks the host on behalf of one loaded runtime."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop on which the runtime takes its calls."""

    def takes_calls_here(self) -> bool:
        """Whether the calling thread is the one that takes the runtime's calls."""

    def ask_dict(
        self,
        waiter: asyncio.Future[bytes | None] | Future[bytes | None],
        operation: int,
        name: bytes,
        key: bytes,
        value: bytes,
        ttl_ms: int,
    ) -> None:
        """Sends a request; its answer settles the waiter."""


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
    """A shared dict, for ``async def`` handlers. ``ctx.dict`` is the first that this runtime may use; a name selects
    another::

        visits = await ctx.dict.incr("visits")
        if await ctx.dict("locks").add("report", b"", ttl=30):
            ...

    The option ``dicts`` of ``ngx.load_ffi`` names those that the runtime may use. Keys and values are bytes, or str in
    UTF-8; values come back as bytes. A refusal of the host raises :class:`~resty_ffi.Error` with its code and text.
    """

    def __init__(self, asker: Asker, name: str = "") -> None:
        self._asker = asker
        self._name = name.encode()

    def __call__(self, name: str) -> Dict:
        """The dict of this name."""
        return Dict(self._asker, name)

    @property
    def blocking(self) -> BlockingDict:
        """The same dict for code that may block."""
        return BlockingDict(self._asker, self._name)

    async def get(self, key: str | bytes) -> bytes | None:
        """Returns the value, or None for a missing key."""
        value: bytes | None = await self._ask(_GET, key)
        return value

    async def set(self, key: str | bytes, value: str | bytes, ttl: float | None = None) -> None:
        """Sets the value, for ``ttl`` seconds or for ever."""
        await self._ask(_SET, key, _bytes(value), ttl)

    async def add(self, key: str | bytes, value: str | bytes, ttl: float | None = None) -> bool:
        """Sets the value of a missing key. Returns False, and changes nothing, if the key exists."""
        return await self._ask(_ADD, key, _bytes(value), ttl) is not None

    async def incr(self, key: str | bytes, by: int | float = 1, ttl: float | None = None) -> int | float:
        """Adds to a number and returns the sum. A missing key counts from 0 and lives for ``ttl`` seconds."""
        return _number(await self._ask(_INCR, key, str(by).encode(), ttl))

    async def delete(self, key: str | bytes) -> None:
        """Removes the key, if it exists."""
        await self._ask(_DELETE, key)

    async def _ask(self, operation: int, key: str | bytes, value: bytes = b"", ttl: float | None = None) -> Any:
        import asyncio

        loop = asyncio.get_running_loop()
        if loop is self._asker.loop:
            answer = loop.create_future()
            self._asker.ask_dict(answer, operation, self._name, _bytes(key), value, _milliseconds(ttl))
            return await answer
        return await asyncio.wrap_future(self.blocking.ask(operation, key, value, ttl))


class BlockingDict:
    """A shared dict for code that may block: ``ctx.dict.blocking`` in a handler with ``thread=True``, in a plain
    generator, or in a thread of your own. It has the methods of :class:`Dict`. In the thread that takes the calls they
    raise RuntimeError, because the answer could never arrive."""

    def __init__(self, asker: Asker, name: bytes) -> None:
        self._asker = asker
        self._name = name

    def get(self, key: str | bytes) -> bytes | None:
        value: bytes | None = self._wait(_GET, key)
        return value

    def set(self, key: str | bytes, value: str | bytes, ttl: float | None = None) -> None:
        self._wait(_SET, key, _bytes(value), ttl)

    def add(self, key: str | bytes, value: str | bytes, ttl: float | None = None) -> bool:
        return self._wait(_ADD, key, _bytes(value), ttl) is not None

    def incr(self, key: str | bytes, by: int | float = 1, ttl: float | None = None) -> int | float:
        return _number(self._wait(_INCR, key, str(by).encode(), ttl))

    def delete(self, key: str | bytes) -> None:
        self._wait(_DELETE, key)

    def _wait(self, operation: int, key: str | bytes, value: bytes = b"", ttl: float | None = None) -> Any:
        if self._asker.takes_calls_here():
            raise RuntimeError(
                "ctx.dict.blocking would block the thread that takes the calls: make the handler `async def` and "
                "await ctx.dict, or register it with thread=True"
            )
        return self.ask(operation, key, value, ttl).result()

    def ask(self, operation: int, key: str | bytes, value: bytes, ttl: float | None) -> Future[bytes | None]:
        """Asks, and returns the future of the answer."""
        from concurrent.futures import Future

        answer: Future[bytes | None] = Future()
        self._asker.ask_dict(answer, operation, self._name, _bytes(key), value, _milliseconds(ttl))
        return answer
