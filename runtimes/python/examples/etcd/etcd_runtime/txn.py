"""Transactions: etcd compares and acts in one atomic step."""

from typing import Any, Literal

import msgspec
import resty_ffi
from aetcd import rpc

from .kv import Delete, Get, Put, found
from .messages import Int64, Request, decode
from .runtime import app

RESULTS = {
    "=": rpc.Compare.EQUAL,
    "!=": rpc.Compare.NOT_EQUAL,
    ">": rpc.Compare.GREATER,
    "<": rpc.Compare.LESS,
}
TARGETS = {
    "value": rpc.Compare.VALUE,
    "version": rpc.Compare.VERSION,
    "create_revision": rpc.Compare.CREATE,
    "mod_revision": rpc.Compare.MOD,
}


class Compare(Request):
    key: str
    target: Literal["value", "version", "create_revision", "mod_revision"]
    result: Literal["=", "!=", ">", "<"]
    value: str | Int64

    def __post_init__(self) -> None:
        if isinstance(self.value, str) != (self.target == "value"):
            raise ValueError(f"`value` must be a {'string' if self.target == 'value' else 'number'} here")

    def message(self) -> rpc.Compare:
        value = self.value.encode() if isinstance(self.value, str) else self.value
        return rpc.Compare(
            key=self.key.encode(), target=TARGETS[self.target], result=RESULTS[self.result], **{self.target: value}
        )


class Op(Request):
    put: Put | None = None
    get: Get | None = None
    delete: Delete | None = None

    def __post_init__(self) -> None:
        if [self.put, self.get, self.delete].count(None) != 2:
            raise ValueError("an operation is one of `put`, `get` and `delete`")

    def message(self) -> rpc.RequestOp:
        if self.put is not None:
            return rpc.RequestOp(request_put=self.put.message())
        if self.get is not None:
            return rpc.RequestOp(request_range=self.get.message())
        assert self.delete is not None
        return rpc.RequestOp(request_delete_range=self.delete.message())


class Txn(Request):
    compare: list[Compare] = msgspec.field(default_factory=list)
    success: list[Op] = msgspec.field(default_factory=list)
    failure: list[Op] = msgspec.field(default_factory=list)

    def message(self) -> rpc.TxnRequest:
        return rpc.TxnRequest(
            compare=[compare.message() for compare in self.compare],
            success=[op.message() for op in self.success],
            failure=[op.message() for op in self.failure],
        )


def outcome(answer: rpc.ResponseOp) -> dict[str, Any]:
    match answer.WhichOneof("response"):
        case "response_range":
            return {"get": found(answer.response_range)}
        case "response_delete_range":
            return {"delete": {"deleted": answer.response_delete_range.deleted}}
        case _:
            return {"put": {}}


@app.method
async def txn(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    answer = await ctx.state.cluster.call(ctx, lambda member: member.kv.Txn, decode(req, Txn).message())
    responses = [outcome(response) for response in answer.responses]
    return msgspec.json.encode(
        {"revision": answer.header.revision, "succeeded": answer.succeeded, "responses": responses}
    )
