import { status } from "@grpc/grpc-js";
import { type Handler, RestyFfiError } from "@resty-ffi/node";
import { z } from "zod";
import * as api from "./api.js";
import type { Etcd } from "./client.js";
import { keysOf } from "./keys.js";
import { Delete, found, Get, Put, putRequest, rangeRequest } from "./kv.js";
import { parse } from "./request.js";

const RESULTS = { "=": "EQUAL", "!=": "NOT_EQUAL", ">": "GREATER", "<": "LESS" } as const;
const TARGETS = { value: "VALUE", version: "VERSION", create_revision: "CREATE", mod_revision: "MOD" } as const;

const result = z.enum(["=", "!=", ">", "<"]);
const Compare = z.discriminatedUnion("target", [
  z.strictObject({ key: z.string(), target: z.literal("value"), result, value: z.string() }),
  z.strictObject({
    key: z.string(),
    target: z.enum(["version", "create_revision", "mod_revision"]),
    result,
    value: z.int(),
  }),
]);

const Op = z
  .strictObject({ put: Put.optional(), get: Get.optional(), delete: Delete.optional() })
  .refine((op) => Object.keys(op).length === 1, { message: 'must hold one of "put", "get" and "delete"' });

const Txn = z.strictObject({
  compare: z.array(Compare).default([]),
  success: z.array(Op).default([]),
  failure: z.array(Op).default([]),
});

export function txn(etcd: Etcd): Handler {
  return async (request, call) => {
    const { compare, success, failure } = parse(Txn, request);
    const message = {
      compare: compare.map(comparison),
      success: success.map(operation),
      failure: failure.map(operation),
    };
    const { header, succeeded, responses } = await etcd.call(api.txn, message, call);
    return JSON.stringify({ revision: Number(header.revision), succeeded, responses: responses.map(response) });
  };
}

function comparison({ key, target, result, value }: z.infer<typeof Compare>): object {
  return {
    key: Buffer.from(key),
    target: TARGETS[target],
    result: RESULTS[result],
    [target]: typeof value === "string" ? Buffer.from(value) : value,
  };
}

function operation(op: z.infer<typeof Op>): object {
  if (op.put) return { request_put: putRequest(op.put) };
  if (op.get) return { request_range: rangeRequest(op.get) };
  if (op.delete) return { request_delete_range: keysOf(op.delete) };
  throw new RestyFfiError("an operation is empty", status.INVALID_ARGUMENT);
}

function response({ response_range, response_delete_range }: api.ResponseOp): object {
  if (response_range) return { get: found(response_range) };
  if (response_delete_range) return { delete: { deleted: Number(response_delete_range.deleted) } };
  return { put: {} };
}
