"""Topics: to create one, and to find out that there is none."""

import asyncio
from typing import Annotated

import msgspec
import resty_ffi
from aiokafka.admin import NewTopic

from .clients import Clients
from .errors import broker_error, kafka_errors
from .messages import NonEmpty, Request, decode
from .runtime import app


class CreateTopic(Request):
    topic: NonEmpty
    partitions: Annotated[int, msgspec.Meta(ge=1, lt=2**31)] = 1
    replication_factor: Annotated[int, msgspec.Meta(ge=1, lt=2**15)] = 1


@app.method
async def create_topic(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    request = decode(req, CreateTopic)
    with kafka_errors():
        admin = await ctx.state.clients.admin.started()
        topic = NewTopic(request.topic, request.partitions, request.replication_factor)
        answer = await admin.create_topics([topic])
    for name, code, what in answer.topic_errors:
        if code:
            raise broker_error(code, what or name)
    return msgspec.json.encode({"topic": request.topic, "partitions": request.partitions})


async def check_topics(clients: Clients, names: list[str]) -> None:
    """Fails if a topic does not exist: left to themselves, producer and consumer would wait for it. A broker that has
    it created just now is asked a second and a third time."""
    admin = await clients.admin.started()
    for pause in (0.1, 0.2, None):
        failed = [topic for topic in await admin.describe_topics(names) if topic["error_code"]]
        if not failed:
            return
        if pause is not None:
            await asyncio.sleep(pause)
    raise broker_error(failed[0]["error_code"], failed[0]["topic"])
