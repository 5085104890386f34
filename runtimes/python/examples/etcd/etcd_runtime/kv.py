"""Puts, gets and deletes, which also make up transactions."""

from typing import Any

import msgspec
import resty_ffi
from aetcd import rpc

from .keys import Keys
from .messages import Int64, Request, decode, lease_id, text
from .runtime import app


class Put(Request):
    key: str
    value: str
    lease: str = "0"

    def message(self) -> rpc.PutRequest:
        lease = lease_id(self.lease, "lease")
        return rpc.PutRequest(key=self.key.encode(), value=self.value.encode(), lease=lease)


class Get(Keys):
    limit: Int64 = 0
    revision: Int64 = 0

    def message(self) -> rpc.RangeRequest:
        return rpc.RangeRequest(**self.interval(), limit=self.limit, revision=self.revision)


class Delete(Keys):
    def message(self) -> rpc.DeleteRangeRequest:
        return rpc.DeleteRangeRequest(**self.interval())


def key_value(kv: rpc.KeyValue) -> dict[str, Any]:
    return {
        "key": text(kv.key),
        "value": text(kv.value),
        "create_revision": kv.create_revision,
        "mod_revision": kv.mod_revision,
        "version": kv.version,
        "lease": str(kv.lease),
    }


def found(answer: rpc.RangeResponse) -> dict[str, Any]:
    return {"count": answer.count, "kvs": [key_value(kv) for kv in answer.kvs]}


@app.method
async def put(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    answer = await ctx.state.cluster.call(ctx, lambda member: member.kv.Put, decode(req, Put).message())
    return msgspec.json.encode({"revision": answer.header.revision})


@app.method
async def get(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    answer = await ctx.state.cluster.call(ctx, lambda member: member.kv.Range, decode(req, Get).message())
    return msgspec.json.encode({"revision": answer.header.revision, **found(answer)})


@app.method
async def delete(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    answer = await ctx.state.cluster.call(ctx, lambda member: member.kv.DeleteRange, decode(req, Delete).message())
    return msgspec.json.encode({"revision": answer.header.revision, "deleted": answer.deleted})
