"""Keys, leases, watches of etcd. ngx.load_ffi("ffi_python3", 'etcd_runtime,app,{"endpoints":["127.0.0.1:2379"]}')."""

import os

# gRPC reads it when it is imported: a host forks only to start programs, and no thread need stop for that.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from . import kv, lease, txn, watch
from .runtime import app

__all__ = ["app", "kv", "lease", "txn", "watch"]
