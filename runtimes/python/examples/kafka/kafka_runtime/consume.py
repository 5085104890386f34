"""Records from Kafka, as a member of a group, from the first message until the stream ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any, Literal

import msgspec
import resty_ffi
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from .errors import kafka_errors
from .messages import Int32, Int64, NonEmpty, Request, decode
from .runtime import app
from .topics import check_topics

LEAVE_SECONDS = 0.5


class Subscribe(Request):
    group: NonEmpty
    topics: Annotated[list[NonEmpty], msgspec.Meta(min_length=1)]
    origin: Literal["earliest", "latest"] = msgspec.field(default="earliest", name="from")


class Position(Request):
    topic: NonEmpty
    partition: Int32
    offset: Int64


class Commit(Request):
    commit: Position


@app.stream
async def consume(requests: AsyncIterator[bytes], ctx: resty_ffi.Context) -> AsyncGenerator[bytes, None]:
    request = decode(await anext(requests, None), Subscribe)
    consumer = AIOKafkaConsumer(
        *request.topics,
        bootstrap_servers=ctx.state.config.brokers,
        group_id=request.group,
        auto_offset_reset=request.origin,
        enable_auto_commit=False,
    )
    tasks: set[asyncio.Task[Any]] = set()
    try:
        with kafka_errors():
            await check_topics(ctx.state.clients, request.topics)
            await consumer.start()
            record = asyncio.create_task(consumer.getone())
            commit = asyncio.create_task(next_commit(requests))
            tasks = {record, commit}
            while True:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if commit in done:
                    tasks.remove(commit)
                    if (position := commit.result()) is not None:  # or else the caller has closed its direction
                        yield await store(consumer, position)
                        commit = asyncio.create_task(next_commit(requests))
                        tasks.add(commit)
                if record in done:
                    tasks.remove(record)
                    yield msgspec.json.encode(fields(record.result()))
                    record = asyncio.create_task(consumer.getone())
                    tasks.add(record)
    finally:
        for task in tasks:
            task.cancel()
        # Leaves the group. If the broker does not answer, that goes on when the stream has ended.
        leaving = asyncio.create_task(consumer.stop())
        await asyncio.wait([leaving], timeout=LEAVE_SECONDS)


async def next_commit(requests: AsyncIterator[bytes]) -> Position | None:
    message = await anext(requests, None)
    return None if message is None else decode(message, Commit).commit


async def store(consumer: AIOKafkaConsumer, position: Position) -> bytes:
    """Kafka's own commits name the record that comes next."""
    await consumer.commit({TopicPartition(position.topic, position.partition): position.offset + 1})
    return msgspec.json.encode({"committed": position})


def fields(record: ConsumerRecord) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": text(record.key),
        "value": text(record.value),
        "headers": {name: text(value) for name, value in record.headers},
    }


def text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")
