import type { Call } from "./call.js";

/** One message of a stream: bytes, or text (sent as UTF-8). */
export type Message = Uint8Array | string;

/**
 * The caller's messages in order; the iteration ends when the caller has closed its direction. The bytes belong to the
 * handler. A `for await` loop can be left and resumed by another loop. When the call is cancelled, waiting for the next
 * message throws the reason of `call.signal`.
 */
export interface Requests extends AsyncIterableIterator<Buffer> {
  next(): Promise<IteratorResult<Buffer, undefined>>;
  [Symbol.asyncIterator](): Requests;
}

/**
 * Serves a stream: usually a generator that receives the caller's messages and yields its own. Each `yield` waits while
 * the caller has not read enough of the previous messages, so memory stays bounded. A return ends the stream; a throw
 * ends it with an error, as in a {@link Handler}. When the call is cancelled, a waiting `yield` does not return: only
 * `finally` blocks run.
 *
 * @example
 * ```ts
 * runtime.stream("lines", async function* (requests, call) {
 *   for await (const path of requests) yield* createInterface({ input: createReadStream(path, call) });
 * });
 * ```
 */
export type StreamHandler = (requests: Requests, call: Call) => AsyncIterable<Message> | Iterable<Message>;
