"""Records to Kafka. Those of calls that are in flight at the same time share batches."""

from collections.abc import Collection

import msgspec
import resty_ffi
from aiokafka.partitioner import DefaultPartitioner

from .errors import UNKNOWN_TOPIC_OR_PARTITION, broker_error, kafka_errors
from .messages import Int32, NonEmpty, Request, decode
from .runtime import app
from .topics import check_topics

choose = DefaultPartitioner()  # as Java's client does, so that both put a key into the same partition


class Produce(Request):
    topic: NonEmpty
    value: str
    key: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    partition: Int32 | None = None


@app.method
async def produce(req: bytes | None, ctx: resty_ffi.Context) -> bytes:
    request = decode(req, Produce)
    key = None if request.key is None else request.key.encode()
    headers = [(name, value.encode()) for name, value in request.headers.items()]
    with kafka_errors():
        producer = await ctx.state.clients.producer.started()
        if producer.client.cluster.partitions_for_topic(request.topic) is None:
            await check_topics(ctx.state.clients, [request.topic])
        partition = pick(request, key, await producer.partitions_for(request.topic))
        record = await producer.send_and_wait(
            request.topic, request.value.encode(), key=key, partition=partition, headers=headers
        )
    # Without acknowledgements the broker does not tell the record's place.
    offset = -1 if record is None else record.offset
    return msgspec.json.encode({"topic": request.topic, "partition": partition, "offset": offset})


def pick(request: Produce, key: bytes | None, partitions: Collection[int]) -> int:
    if request.partition is None:
        return int(choose(key, sorted(partitions), []))
    if request.partition not in partitions:
        what = f"`partition` is {request.partition}, and {request.topic} has {len(partitions)}, from 0 on"
        raise broker_error(UNKNOWN_TOPIC_OR_PARTITION, what)
    return request.partition
