"""Services that speak gRPC. ngx.load_ffi("ffi_python3", 'grpc_runtime,app,{"address":"127.0.0.1:50051"}')."""

import os

# gRPC reads it at import. The host forks only to start programs, so gRPC's threads need not stop for a fork.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from . import echo, greeter, route_guide
from .runtime import app

__all__ = ["app", "echo", "greeter", "route_guide"]
