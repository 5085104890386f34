"""Keys, leases, watches of etcd. ngx.load_ffi("ffi_python3", 'etcd_runtime,app,{"endpoints":["127.0.0.1:2379"]}')."""

import os

# gRPC reads it at import. The host forks only to start programs, so gRPC's threads need not stop for a fork.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from . import kv, lease, txn, watch
from .runtime import app

__all__ = ["app", "kv", "lease", "txn", "watch"]
