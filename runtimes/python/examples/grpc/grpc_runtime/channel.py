"""The connection to the server. The first call opens it; a later call replaces a broken one."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio

from .config import Config, Tls

# By default gRPC waits up to two minutes before it retries a server that was down.
RECONNECT = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)]

LAST_EVENTS_SECONDS = 0.1


@contextlib.asynccontextmanager
async def open_channel(config: Config) -> AsyncIterator[grpc.aio.Channel]:
    async with new_channel(config) as channel:
        yield channel
    # A thread of gRPC reports cancelled RPCs to the loop, which must still be open then.
    await asyncio.sleep(LAST_EVENTS_SECONDS)


def new_channel(config: Config) -> grpc.aio.Channel:
    if config.tls is None:
        return grpc.aio.insecure_channel(config.address, options=RECONNECT)
    options = list[tuple[str, str | int]](RECONNECT)
    if config.tls.host is not None:
        options.append(("grpc.ssl_target_name_override", config.tls.host))
    return grpc.aio.secure_channel(config.address, credentials(config.tls), options=options)


def credentials(tls: Tls) -> grpc.ChannelCredentials:
    check(tls)
    return grpc.ssl_channel_credentials(
        root_certificates=Path(tls.ca).read_bytes(),
        private_key=Path(tls.key).read_bytes() if tls.key else None,
        certificate_chain=Path(tls.cert).read_bytes() if tls.cert else None,
    )


def check(tls: Tls) -> None:
    """Fails the load if a file is invalid: gRPC itself would only fail each connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(tls.ca)
    except OSError as e:
        raise ValueError(f"tls.ca: {tls.ca} is not a file of certificates: {e}") from None
    if tls.cert is not None:
        try:
            context.load_cert_chain(tls.cert, tls.key)
        except OSError as e:
            raise ValueError(
                f"tls.cert, tls.key: {tls.cert} and {tls.key} are not a certificate and its key: {e}"
            ) from None
