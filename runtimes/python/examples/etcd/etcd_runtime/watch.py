"""Watches: every change of a key, in order, for as long as the stream is open."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import msgspec
import resty_ffi
from aetcd import rpc

from .keys import Keys
from .messages import Int64, decode, text
from .runtime import app
from .status import BROKEN, OUT_OF_RANGE, PERMISSION_DENIED, status_errors

RECONNECT_SECONDS = 0.2


class Watch(Keys):
    revision: Int64 = 0

    def message(self, revision: int) -> rpc.WatchRequest:
        create = rpc.WatchCreateRequest(**self.interval(), start_revision=revision, progress_notify=True)
        return rpc.WatchRequest(create_request=create)


@app.stream
async def watch(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncGenerator[bytes, None]:
    """After a connection breaks, a new one resumes at the next revision."""
    request = decode(await anext(requests, None), Watch)
    revision = request.revision
    watching = False
    while True:
        try:
            with status_errors(ctx):
                revision = await begin(request, revision, ctx)
                async with ctx.state.cluster.stream(ctx, lambda member: member.watch.Watch) as call:
                    await call.write(request.message(revision))
                    async for response in call:
                        check(response)
                        watching = True
                        for event in response.events:
                            yield msgspec.json.encode(change(event))
                        revision = following(response, revision)
        except resty_ffi.Error as e:
            if not watching or e.code not in BROKEN:
                raise
        await asyncio.sleep(RECONNECT_SECONDS)


async def begin(request: Watch, revision: int, ctx: resty_ffi.Context) -> int:
    """The revision to begin with. A read finds it out, because a read renews a login that etcd has dropped; etcd would
    refuse the watch itself."""
    read = rpc.RangeRequest(key=request.interval()["key"], count_only=True)
    answer = await ctx.state.cluster.call(ctx, lambda member: member.kv.Range, read)
    return revision or int(answer.header.revision) + 1


def check(response: rpc.WatchResponse) -> None:
    if response.compact_revision:
        what = f"etcdserver: mvcc: required revision has been compacted; the oldest is {response.compact_revision}"
        raise resty_ffi.Error(OUT_OF_RANGE, what)
    if response.canceled:
        raise resty_ffi.Error(PERMISSION_DENIED, response.cancel_reason or "etcd has ended the watch")


def following(response: rpc.WatchResponse, revision: int) -> int:
    """The next revision to watch: a response holds all changes of its last revision."""
    if response.events:
        return int(response.events[-1].kv.mod_revision) + 1
    if response.created:
        return revision
    return int(response.header.revision) + 1  # nothing has changed up to now


def change(event: rpc.Event) -> dict[str, Any]:
    return {
        "type": "delete" if event.type == rpc.Event.DELETE else "put",
        "key": text(event.kv.key),
        "value": text(event.kv.value),
        "mod_revision": event.kv.mod_revision,
    }
