"""Errors with the codes of Kafka's protocol."""

import contextlib
from collections.abc import Iterator

import resty_ffi
from aiokafka.errors import KafkaError, for_code

UNKNOWN_TOPIC_OR_PARTITION = 3
LEADER_NOT_AVAILABLE = 5
INVALID_REQUEST = 42
CLIENT = 1000
"""An error of the client itself, which has no number in the protocol."""


@contextlib.contextmanager
def kafka_errors() -> Iterator[None]:
    """Fails the call with an error of a broker or of the client."""
    try:
        yield
    except KafkaError as e:
        code = getattr(e, "errno", CLIENT)
        raise resty_ffi.Error(code if code > 0 else CLIENT, str(e)) from None
    except TimeoutError:
        raise resty_ffi.Error(CLIENT, "the brokers have not answered in time") from None


def broker_error(code: int, what: str) -> resty_ffi.Error:
    return resty_ffi.Error(code if code > 0 else CLIENT, f"{for_code(code).__name__}: {what}")
