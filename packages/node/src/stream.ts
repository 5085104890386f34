import type { Call } from "./call.js";

/** One message of a stream: bytes, or text (sent as UTF-8). */
export type Message = Uint8Array | string;

/**
 * The caller's messages, in order; done when it has closed its side. Their bytes are the handler's own. Leaving a
 * `for await` over them ends nothing: another one goes on where it stopped. When the call is cancelled, waiting for the
 * next message throws the reason of `call.signal`.
 */
export interface Requests extends AsyncIterableIterator<Buffer> {
  next(): Promise<IteratorResult<Buffer, undefined>>;
  [Symbol.asyncIterator](): Requests;
}

/**
 * Serves a stream: mostly a generator that takes the caller's messages and yields its own. Each `yield` waits while the
 * caller has not read what came before, so memory stays bounded. A return ends the stream; a throw ends it with an error,
 * as that of a {@link Handler} does. When the call is cancelled, the `yield` that waits does not come back: only
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
