import { fileURLToPath } from "node:url";
import { loadSync, type MethodDefinition, type ServiceDefinition } from "@grpc/proto-loader";

// What protos/etcd.proto becomes: 64-bit numbers are strings, keys and values are Buffers.

export interface Header {
  revision: string;
}

export interface KeyValue {
  key: Buffer;
  value: Buffer;
  create_revision: string;
  mod_revision: string;
  version: string;
  lease: string;
}

export interface RangeResponse {
  header: Header;
  count: string;
  kvs: KeyValue[];
}

export interface DeleteResponse {
  header: Header;
  deleted: string;
}

export interface ResponseOp {
  response_range?: RangeResponse;
  response_put?: object;
  response_delete_range?: DeleteResponse;
}

export interface TxnResponse {
  header: Header;
  succeeded: boolean;
  responses: ResponseOp[];
}

export interface LeaseResponse {
  ID: string;
  TTL: string;
}

export interface WatchResponse {
  header: Header;
  created: boolean;
  canceled: boolean;
  compact_revision: string;
  cancel_reason: string;
  events: { type: "PUT" | "DELETE"; kv: KeyValue }[];
}

/** One method: its path, and how its messages become bytes and objects. */
export type Rpc<Answer> = MethodDefinition<object, Answer>;

const definition = loadSync(fileURLToPath(new URL("../protos/etcd.proto", import.meta.url)), {
  keepCase: true,
  defaults: true,
  longs: String,
  enums: String,
});

function rpc<Answer>(service: string, method: string): Rpc<Answer> {
  const found = (definition[`etcdserverpb.${service}`] as ServiceDefinition | undefined)?.[method];
  if (!found) throw new Error(`There is no ${service}/${method} in etcd.proto.`);
  return found as unknown as Rpc<Answer>;
}

export const range = rpc<RangeResponse>("KV", "Range");
export const put = rpc<{ header: Header }>("KV", "Put");
export const deleteRange = rpc<DeleteResponse>("KV", "DeleteRange");
export const txn = rpc<TxnResponse>("KV", "Txn");
export const leaseGrant = rpc<LeaseResponse>("Lease", "LeaseGrant");
export const leaseRevoke = rpc<object>("Lease", "LeaseRevoke");
export const leaseKeepAlive = rpc<LeaseResponse>("Lease", "LeaseKeepAlive");
export const watch = rpc<WatchResponse>("Watch", "Watch");
export const authenticate = rpc<{ token: string }>("Auth", "Authenticate");
