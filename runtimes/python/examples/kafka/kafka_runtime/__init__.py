"""Topics and records of Kafka. ngx.load_ffi("ffi_python3", 'kafka_runtime,app,{"brokers":["127.0.0.1:9092"]}')."""

from . import consume, produce, topics  # their handlers
from .runtime import app

__all__ = ["app", "consume", "produce", "topics"]
