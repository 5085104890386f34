import type { Handler } from "@resty-ffi/node";
import { z } from "zod";
import * as api from "./api.js";
import type { Etcd } from "./client.js";
import { Keys, keysOf } from "./keys.js";
import { Id } from "./lease.js";
import { parse } from "./request.js";

export const Put = z.strictObject({ key: z.string(), value: z.string(), lease: Id.optional() });
export const Get = Keys.safeExtend({ limit: z.int().min(0).optional(), revision: z.int().min(0).optional() });
export const Delete = Keys;

export function put(etcd: Etcd): Handler {
  return async (request, call) => {
    const { header } = await etcd.call(api.put, putRequest(parse(Put, request)), call);
    return JSON.stringify({ revision: Number(header.revision) });
  };
}

export function get(etcd: Etcd): Handler {
  return async (request, call) => {
    const answer = await etcd.call(api.range, rangeRequest(parse(Get, request)), call);
    return JSON.stringify({ revision: Number(answer.header.revision), ...found(answer) });
  };
}

export function del(etcd: Etcd): Handler {
  return async (request, call) => {
    const { header, deleted } = await etcd.call(api.deleteRange, keysOf(parse(Delete, request)), call);
    return JSON.stringify({ revision: Number(header.revision), deleted: Number(deleted) });
  };
}

export function putRequest({ key, value, lease = "0" }: z.infer<typeof Put>): object {
  return { key: Buffer.from(key), value: Buffer.from(value), lease };
}

export function rangeRequest(request: z.infer<typeof Get>): object {
  const { limit = 0, revision = 0 } = request;
  return { ...keysOf(request), limit, revision };
}

/** What a range has found, as the caller sees it. */
export function found({ count, kvs }: api.RangeResponse): object {
  return {
    count: Number(count),
    kvs: kvs.map((kv) => ({
      key: kv.key.toString(),
      value: kv.value.toString(),
      create_revision: Number(kv.create_revision),
      mod_revision: Number(kv.mod_revision),
      version: Number(kv.version),
      lease: kv.lease,
    })),
  };
}
