import type { Dict } from "./dict.js";
import type { Log } from "./log.js";

/**
 * The call that a handler answers. It stays valid for as long as the handler keeps it.
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
  /** The name of the called method. */
  readonly method: string;
  /**
   * Aborted when the answer is no longer needed: the caller has gone, the deadline has passed, or the runtime is being
   * unloaded. The handler should stop then, since its answer is dropped.
   */
  readonly signal: AbortSignal;
  /** The time at which the caller stops waiting; `null` if there is no limit. */
  readonly deadline: Date | null;
  /** Milliseconds until the deadline, not below 0; `Infinity` without one. */
  remaining(): number;
  /** The host's log. */
  readonly log: Log;
  /** The default shared dict of the host: the first that the runtime may use. */
  readonly dict: Dict;
}
