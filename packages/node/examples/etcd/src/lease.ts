import { PassThrough } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { type Call, type Handler, RestyFfiError, type StreamHandler } from "@resty-ffi/node";
import { z } from "zod";
import * as api from "./api.js";
import type { Etcd } from "./client.js";
import { failure, isLost } from "./failure.js";
import { parse } from "./request.js";

const RETRY_MS = 200;

/** A lease's: 64 bits, more than a number holds. */
export const Id = z.string().refine((id) => /^\d{1,19}$/.test(id) && BigInt(id) < 2n ** 63n, {
  message: "must be the id of a lease, a string of digits",
});

const Grant = z.strictObject({ ttl: z.int().min(1) });
const Lease = z.strictObject({ id: Id });

export function leaseGrant(etcd: Etcd): Handler {
  return async (request, call) => {
    const { ttl } = parse(Grant, request);
    return shown(await etcd.call(api.leaseGrant, { TTL: ttl }, call));
  };
}

export function leaseRevoke(etcd: Etcd): Handler {
  return async (request, call) => {
    const { id } = parse(Lease, request);
    await etcd.call(api.leaseRevoke, { ID: id }, call);
    return "{}";
  };
}

export function leaseKeepAlive(etcd: Etcd): StreamHandler {
  return async function* (requests, call) {
    const { id } = parse(Lease, (await requests.next()).value);
    const renewals = new PassThrough({ objectMode: true, signal: call.signal });
    keepAlive(etcd, id, call, renewals).catch((error) => renewals.destroy(error));
    try {
      yield* renewals;
    } catch (error) {
      throw failure(error, call);
    }
  };
}

/** Renews the lease, whether somebody reads of it or not, three times within its life. */
async function keepAlive(etcd: Etcd, id: string, call: Call, renewals: PassThrough): Promise<void> {
  let known = false;
  for (;;) {
    let pause = RETRY_MS;
    try {
      const renewed = await renew(etcd, id, call);
      known = true;
      pause = (Number(renewed.TTL) * 1000) / 3;
      if (!renewals.writableNeedDrain) renewals.write(shown(renewed));
    } catch (error) {
      if (!known || !isLost(error)) throw error;
    }
    await setTimeout(pause, null, { signal: call.signal });
  }
}

async function renew(etcd: Etcd, id: string, call: Call): Promise<api.LeaseResponse> {
  for await (const renewed of etcd.stream(api.leaseKeepAlive, { ID: id }, call)) {
    if (Number(renewed.TTL) > 0) return renewed;
    throw new RestyFfiError(`the lease ${id} is gone`, status.NOT_FOUND);
  }
  throw new RestyFfiError("etcd ended the renewal without an answer", status.UNAVAILABLE);
}

function shown({ ID, TTL }: api.LeaseResponse): string {
  return JSON.stringify({ id: ID, ttl: Number(TTL) });
}
