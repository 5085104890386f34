"""Where an author registers handlers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from .loaded import LoadedRuntime

# loader/core.h has the same numbers.
SYNC, ASYNC, THREAD, STREAM, STREAM_THREAD = range(5)

Answer = bytes | bytearray | memoryview | str | None
"""What a handler returns: bytes, text (sent as UTF-8), or None for no payload at all."""

Message = bytes | bytearray | memoryview | str
"""What a handler of streams yields."""

HandlerFunction = Callable[..., Answer] | Callable[..., Awaitable[Answer]]
StreamFunction = Callable[..., AsyncIterator[Message]] | Callable[..., Iterator[Message]]
F = TypeVar("F", bound=HandlerFunction)
S = TypeVar("S", bound=StreamFunction)
Lifespan = Callable[["LoadedRuntime"], AbstractAsyncContextManager[object]]


class Handler(NamedTuple):
    """A registered function, and how it is to be called."""

    kind: int
    call: Callable[..., Any]
    wants_context: bool


class Runtime:
    """The methods of a runtime.

    Each load imports the module again and so gets an object of its own. Calls find the configuration in their context
    (``ctx.config``, ``ctx.state``); a function can also create a Runtime from it.

    A handler takes the request, and the :class:`~resty_ffi.Context` of the call if it has a second parameter.
    The request is ``bytes``, or ``None`` if the caller passed nil. A handler is one of

    * ``def``: runs in the thread that takes the calls. It is fast, and right for code that does not wait: no other call
      of this runtime runs at the same time.
    * ``async def``: runs on an asyncio loop in that thread, and may await anything.
    * ``def`` with ``thread=True``: runs in a pool of threads, and may block.

    A handler of streams is a generator, registered with :meth:`stream`.

    ``lifespan``: an async context manager function. It is entered before the first call; an exception on entry fails
    the load. It is left when the runtime is unloaded, and may then finish what no call waits for, within the time that
    the host grants::

        @contextlib.asynccontextmanager
        async def lifespan(runtime):
            async with Client(runtime.config) as runtime.state.client:
                yield

        app = resty_ffi.Runtime(lifespan=lifespan)

    ``loop_factory``: creates the asyncio loop, for example ``uvloop.new_event_loop``. There is no loop without it, a
    lifespan or an ``async def`` handler.
    ``threads``: the size of the pool for ``thread=True``; the default is that of asyncio's own pool.
    """

    def __init__(
        self,
        *,
        lifespan: Lifespan | None = None,
        loop_factory: Callable[[], AbstractEventLoop] | None = None,
        threads: int | None = None,
    ) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"a pool has at least one thread, not {threads}")
        self.lifespan = lifespan
        self.loop_factory = loop_factory
        self.threads = threads
        self.handlers: dict[str, Handler] = {}
        self.default_handler: Handler | None = None

    @overload
    def method(self, function: F, /) -> F: ...

    @overload
    def method(self, name: str | None = None, /, *, thread: bool = False) -> Callable[[F], F]: ...

    def method(self, name: Any = None, /, *, thread: bool = False) -> Any:
        """Registers the handler of a method, under its own name or another. The function stays as it is.

        ::

            @app.method
            def echo(req): ...

            @app.method("long-name", thread=True)
            def work(req, ctx): ...
        """
        if name is not None and not isinstance(name, str):
            return self.method()(name)

        return functools.partial(self._register, name, describe=functools.partial(describe, thread=thread))

    @overload
    def stream(self, function: S, /) -> S: ...

    @overload
    def stream(self, name: str | None = None, /) -> Callable[[S], S]: ...

    def stream(self, name: Any = None, /) -> Any:
        """Registers the handler of a method that is a stream, under its own name or another: a generator.

        Its first argument iterates over the client's messages, ``bytes`` each, until the client closes its direction.
        What it yields, bytes or text, goes to the client; when it ends, so does the stream. An ``async def`` generator
        runs on the asyncio loop::

            @app.stream
            async def chat(requests, ctx):
                async for message in requests:
                    yield message.upper()

        A plain one has a thread of its own, and may block::

            @app.stream
            def tail(requests, ctx):
                with open(next(requests)) as file:
                    yield from file

        Each ``yield`` waits until the client has room for the message. When the client goes away or the deadline
        passes, the handler is interrupted where it waits, at a ``yield`` or in its requests: ``task.cancel()`` cancels
        an ``async def`` handler, a plain one gets an :class:`~resty_ffi.Error` with the code ``CANCELLED``.
        """
        if name is not None and not isinstance(name, str):
            return self.stream()(name)
        return functools.partial(self._register, name, describe=describe_stream)

    def _register(self, name: str | None, function: Any, *, describe: Callable[[Any], Handler]) -> Any:
        key = function.__name__ if name is None else name
        if key in self.handlers:
            raise ValueError(f'the method "{key}" has a handler already')
        self.handlers[key] = describe(function)
        return function

    @overload
    def default(self, function: F, /) -> F: ...

    @overload
    def default(self, /, *, thread: bool = False) -> Callable[[F], F]: ...

    def default(self, function: Any = None, /, *, thread: bool = False) -> Any:
        """Registers the handler of all other methods; ``ctx.method`` is the name of the method that was called."""
        if function is None:
            return functools.partial(self.default, thread=thread)
        if self.default_handler is not None:
            raise ValueError("this runtime has a default handler already")
        self.default_handler = describe(function, thread)
        return function

    def needs_loop(self) -> bool:
        every = [*self.handlers.values(), *([self.default_handler] if self.default_handler else [])]
        return bool(self.lifespan or self.loop_factory or any(handler.kind in (ASYNC, STREAM) for handler in every))


def describe(function: Callable[..., Any], thread: bool) -> Handler:
    """Finds out how a handler must be called. TypeError if it cannot be a handler."""
    if not callable(function):
        raise TypeError(f"a handler is a function, not {type(function).__name__}")
    name = getattr(function, "__qualname__", repr(function))
    if _is(inspect.isasyncgenfunction, function) or _is(inspect.isgeneratorfunction, function):
        raise TypeError(f"{name} is a generator: register it with @app.stream")
    is_async = _is(inspect.iscoroutinefunction, function)
    if is_async and thread:
        raise TypeError(f"thread=True is for a plain `def`, and {name} is `async def`")
    return Handler(ASYNC if is_async else THREAD if thread else SYNC, function, takes_context(function, name))


def describe_stream(function: Callable[..., Any]) -> Handler:
    """The same for a handler of streams."""
    name = getattr(function, "__qualname__", repr(function))
    if _is(inspect.isasyncgenfunction, function):
        kind = STREAM
    elif _is(inspect.isgeneratorfunction, function):
        kind = STREAM_THREAD
    else:
        raise TypeError(f"a handler of streams is a generator, a `def` or `async def` with `yield`; {name} is not one")
    return Handler(kind, function, takes_context(function, name, "requests"))


def _is(kind: Callable[[Any], bool], function: Any) -> bool:
    return kind(function) or kind(getattr(function, "__call__", None))  # noqa: B004 - or an object with such a method


def takes_context(function: Callable[..., Any], name: str, first: str = "req") -> bool:
    try:
        signature = inspect.signature(function)
    except ValueError:  # some built-in functions have no signature
        return False
    for arguments in (1, 2):
        try:
            signature.bind(*range(arguments))
        except TypeError:
            continue
        return arguments == 2
    raise TypeError(
        f"a handler is called as {name}({first}) or {name}({first}, ctx), and its signature is {name}{signature}"
    )
