"""The producer and the admin client, which all calls share. Each connects when it is first needed."""

import asyncio
from typing import Generic, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from .config import Config

FLUSH_SECONDS = 0.5

C = TypeVar("C", AIOKafkaProducer, AIOKafkaAdminClient)


class OnDemand(Generic[C]):
    """A client that the first call starts, or a later one if no broker was up."""

    def __init__(self, client: C) -> None:
        self.client = client
        self._is_started = False
        self._starting = asyncio.Lock()

    async def started(self) -> C:
        async with self._starting:
            if not self._is_started:
                await self.client.start()
                self._is_started = True
        return self.client


class Clients:
    def __init__(self, config: Config) -> None:
        self.producer = OnDemand(
            AIOKafkaProducer(
                bootstrap_servers=config.brokers,
                acks=config.acks if config.acks == "all" else int(config.acks),
                compression_type=None if config.compression == "none" else config.compression,
                linger_ms=config.linger_ms,
            )
        )
        self.admin = OnDemand(AIOKafkaAdminClient(bootstrap_servers=config.brokers))

    async def close(self) -> None:
        producer = self.producer.client
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await producer.stop()
        except TimeoutError:  # no broker takes what is left
            await producer.client.close()
        await self.admin.client.close()
