"""The members of the cluster, over gRPC. Only the API of aetcd is used, not its client: that has one endpoint and no
deadlines, and does not resume a watch or a login after its connection breaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

import grpc.aio
import resty_ffi
from aetcd import rpc

from .config import Config
from .status import status_errors

OPTIONS = [
    # By default gRPC waits up to two minutes before it retries a server that was down.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Detects a server that vanished without closing its connection. etcd allows one ping in five seconds.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
]
CONNECT_SECONDS = 1.0
LAST_EVENTS_SECONDS = 0.1

Metadata = tuple[tuple[str, str], ...]


class Member:
    def __init__(self, endpoint: str) -> None:
        self.channel = grpc.aio.insecure_channel(endpoint, options=OPTIONS)
        self.auth = rpc.AuthStub(self.channel)
        self.kv = rpc.KVStub(self.channel)
        self.lease = rpc.LeaseStub(self.channel)
        self.watch = rpc.WatchStub(self.channel)

    def is_connected(self) -> bool:
        return self.channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY


class Cluster:
    """Connects with the first call, and again after a connection breaks."""

    def __init__(self, config: Config) -> None:
        self._members = [Member(endpoint) for endpoint in config.endpoints]
        self._login: rpc.AuthenticateRequest | None = None
        if config.user is not None:
            self._login = rpc.AuthenticateRequest(name=config.user, password=config.password)
        self._token: Metadata = ()
        self._logging_in = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self._members:
            await member.channel.close()
        # A thread of gRPC reports cancelled RPCs to the loop, which must still be open then.
        await asyncio.sleep(LAST_EVENTS_SECONDS)

    async def call(self, ctx: resty_ffi.Context, method: Callable[[Member], Any], request: Any) -> Any:
        """A unary RPC with the call's deadline; `method` picks it from a member's stubs."""
        with status_errors(ctx):
            member = await self.member()
            token = await self.token(member, ctx)
            try:
                return await method(member)(request, metadata=token, timeout=ctx.remaining())
            except grpc.aio.AioRpcError as e:
                if not token or e.code() is not grpc.StatusCode.UNAUTHENTICATED:
                    raise
            self.forget(token)
            token = await self.token(member, ctx)
            return await method(member)(request, metadata=token, timeout=ctx.remaining())

    @contextlib.asynccontextmanager
    async def stream(self, ctx: resty_ffi.Context, method: Callable[[Member], Any]) -> AsyncIterator[Any]:
        """A streaming RPC; it ends with the body."""
        member = await self.member()
        call = method(member)(metadata=await self.token(member, ctx), timeout=ctx.remaining())
        try:
            yield call
        finally:
            call.cancel()

    async def member(self) -> Member:
        """A connected member; without one, the first to connect again, or any."""
        if len(self._members) == 1:
            return self._members[0]
        for member in self._members:
            if member.is_connected():
                return member
        tasks = {asyncio.create_task(member.channel.channel_ready()): member for member in self._members}
        try:
            done, _ = await asyncio.wait(tasks, timeout=CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        return tasks[done.pop()] if done else self._members[0]

    async def token(self, member: Member, ctx: resty_ffi.Context) -> Metadata:
        """The metadata with our login; empty without a user."""
        if self._login is None:
            return ()
        async with self._logging_in:
            if not self._token:
                answer = await member.auth.Authenticate(self._login, timeout=ctx.remaining())
                self._token = (("token", answer.token),)
            return self._token

    def forget(self, token: Metadata) -> None:
        """etcd has dropped this token: it was restarted, or we were idle for five minutes."""
        if self._token == token:  # otherwise another call has renewed it already
            self._token = ()
