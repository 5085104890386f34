import type { Dict } from "./dict.js";
import type { Log } from "./log.js";

/**
 * What a handler knows about the call it answers. Valid as long as the handler likes to keep it.
 *
 * @example
 * ```ts
 * runtime.method("page", async (request, call) => {
 *   const response = await fetch(String(request), { signal: call.signal });
 *   call.log.info("%s took %d ms of its time", request, call.remaining());
 *   return response.text();
 * });
 * ```
 */
export interface Call {
  /** The name that was called. */
  readonly method: string;
  /**
   * Aborted when nobody waits for the answer any more: the caller went away, the deadline has passed, or the runtime is
   * being unloaded. What the handler answers after that is dropped, so it had better stop.
   */
  readonly signal: AbortSignal;
  /** When the caller stops waiting; `null` if it waits for ever. */
  readonly deadline: Date | null;
  /** Milliseconds until the deadline, not below 0; `Infinity` without one. */
  remaining(): number;
  /** The host's log. */
  readonly log: Log;
  /** The host's shared dict: the first one that it allows. */
  readonly dict: Dict;
}
