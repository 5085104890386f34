"""Services that speak gRPC. ngx.load_ffi("ffi_python3", 'grpc_runtime,app,{"address":"127.0.0.1:50051"}')."""

import os

# gRPC reads it when it is imported: a host forks only to start programs, and no thread need stop for that.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from . import echo, greeter, route_guide
from .runtime import app

__all__ = ["app", "echo", "greeter", "route_guide"]
