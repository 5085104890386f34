"""Leases: etcd deletes the keys of a lease that is not renewed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

import grpc.aio
import msgspec
import resty_ffi
from aetcd import rpc

from .messages import Request, decode, lease_id
from .runtime import app
from .status import BROKEN, NOT_FOUND, status_errors

RECONNECT_SECONDS = 0.2


class Grant(Request):
    ttl: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class Lease(Request):
    id: str


@app.method
async def lease_grant(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    request = rpc.LeaseGrantRequest(TTL=decode(req, Grant).ttl)
    answer = await ctx.state.cluster.call(ctx, lambda member: member.lease.LeaseGrant, request)
    return msgspec.json.encode({"id": str(answer.ID), "ttl": answer.TTL})


@app.method
async def lease_revoke(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    request = rpc.LeaseRevokeRequest(ID=lease_id(decode(req, Lease).id, "id"))
    await ctx.state.cluster.call(ctx, lambda member: member.lease.LeaseRevoke, request)
    return b"{}"


@app.stream
async def lease_keep_alive(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncGenerator[bytes, None]:
    """Renews three times in the lease's time, over as many connections as it takes."""
    request = rpc.LeaseKeepAliveRequest(ID=lease_id(decode(await anext(requests, None), Lease).id, "id"))
    renewed = False
    while True:
        try:
            with status_errors(ctx):
                async with ctx.state.cluster.stream(ctx, lambda member: member.lease.LeaseKeepAlive) as call:
                    while (ttl := await renew(call, request)) is not None:
                        renewed = True
                        yield msgspec.json.encode({"id": str(request.ID), "ttl": ttl})
                        await asyncio.sleep(ttl / 3)
        except resty_ffi.Error as e:
            if not renewed or e.code not in BROKEN:
                raise
        await asyncio.sleep(RECONNECT_SECONDS)


async def renew(call: Any, request: rpc.LeaseKeepAliveRequest) -> int | None:
    """The new time to live of the lease in seconds; None if the server has ended the RPC."""
    with contextlib.suppress(asyncio.InvalidStateError):  # it has ended: `read` says why
        await call.write(request)
    answer = await call.read()
    if answer is grpc.aio.EOF:
        return None
    if answer.TTL <= 0:
        raise resty_ffi.Error(NOT_FOUND, "etcdserver: requested lease not found")
    return int(answer.TTL)
