import { createRuntime, type Runtime } from "@resty-ffi/node";
import { Etcd } from "./client.js";
import { readConfig } from "./config.js";
import { del, get, put } from "./kv.js";
import { leaseGrant, leaseKeepAlive, leaseRevoke } from "./lease.js";
import { txn } from "./txn.js";
import { watch } from "./watch.js";

/** ngx.load_ffi("ffi_nodejs", '/path/to/dist/etcd.js,app,{"endpoints":["127.0.0.1:2379"]}') */
export function app(text: string | null): Runtime {
  const etcd = new Etcd(readConfig(text));
  return createRuntime()
    .method("put", put(etcd))
    .method("get", get(etcd))
    .method("delete", del(etcd))
    .method("txn", txn(etcd))
    .method("lease_grant", leaseGrant(etcd))
    .method("lease_revoke", leaseRevoke(etcd))
    .stream("lease_keep_alive", leaseKeepAlive(etcd))
    .stream("watch", watch(etcd))
    .onUnload(() => etcd.close());
}
