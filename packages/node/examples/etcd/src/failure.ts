import { status } from "@grpc/grpc-js";
import { type Call, RestyFfiError } from "@resty-ffi/node";

/** A status that comes this close to the deadline is about it. */
const CLOSE_MS = 50;

/** An error as the caller sees it: with the code that etcd answered, and in its words. */
export function failure(error: unknown, call: Call): unknown {
  const { name, cause, code, details } = error as Error & { code?: unknown; details?: unknown };
  if (name === "AbortError") return cause ?? error; // Node.js's own, about the reason of the call's signal
  if (typeof code !== "number" || typeof details !== "string") return error;
  // etcd resets the stream at the deadline, a moment before the timer here runs out.
  const late = code === status.CANCELLED && call.remaining() < CLOSE_MS;
  return new RestyFfiError(details || status[code] || "unknown", late ? status.DEADLINE_EXCEEDED : code);
}

const codeOf = (error: unknown) => (error as { code?: unknown }).code;

/** Whether the connection broke, so that the next attempt may succeed. */
export function isLost(error: unknown): boolean {
  return codeOf(error) === status.UNAVAILABLE || codeOf(error) === status.INTERNAL;
}

/** Whether etcd has forgotten who we are: it was restarted, or we were silent for minutes. */
export function isStranger(error: unknown): boolean {
  return codeOf(error) === status.UNAUTHENTICATED;
}
