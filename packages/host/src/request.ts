import { Buffer } from "node:buffer";
import { shown } from "./options.js";

/** A request: bytes (copied before the call returns), text (sent as UTF-8), or null for nil. */
export type Request = Uint8Array | string | null;

/** Stands for an empty request, which needs an address: NULL means nil. */
export const EMPTY = Buffer.alloc(1);

export function toBytes(request: unknown, what: string, nil: false): Uint8Array;
export function toBytes(request: unknown, what?: string): Uint8Array | null;
export function toBytes(request: unknown, what = "call: the request", nil = true): Uint8Array | null {
  if (nil && (request === undefined || request === null)) return null;
  if (typeof request === "string") return Buffer.from(request);
  if (request instanceof Uint8Array) return request;
  throw new TypeError(
    `${what} must be a Uint8Array${nil ? ", a string or null" : " or a string"}, not ${shown(request)}`,
  );
}
