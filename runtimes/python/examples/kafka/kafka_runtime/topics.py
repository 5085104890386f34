"""Topics: creates one, and finds out whether one exists."""

import asyncio
from typing import Annotated, Any

import msgspec
import resty_ffi
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from .clients import Clients
from .errors import LEADER_NOT_AVAILABLE, UNKNOWN_TOPIC_OR_PARTITION, broker_error, kafka_errors
from .messages import NonEmpty, Request, decode
from .runtime import app

NOT_YET = (UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE)
BETWEEN_LOOKS = 0.02
"""Seconds between two checks whether a topic exists."""


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
        # The controller, which has answered, knows it before the other brokers do.
        while True:
            left = await unusable(admin, [request.topic])
            if not any(topic["error_code"] in NOT_YET for topic in left):
                break
            await asyncio.sleep(BETWEEN_LOOKS)
    return msgspec.json.encode({"topic": request.topic, "partitions": request.partitions})


async def check_topics(clients: Clients, names: list[str]) -> None:
    """Fails if a topic does not exist: producer and consumer alone would wait for it."""
    for topic in await unusable(await clients.admin.started(), names):
        raise broker_error(topic["error_code"], topic["topic"])


async def unusable(admin: AIOKafkaAdminClient, names: list[str]) -> list[dict[str, Any]]:
    """The topics that cannot be used."""
    return [topic for topic in await admin.describe_topics(names) if topic["error_code"]]
