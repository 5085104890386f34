/**
 * The host's shared dict: small values that all workers and all runtimes of the host see (in nginx a
 * `lua_shared_dict`). What the host refuses rejects with a {@link RestyFfiError}.
 *
 * @example
 * ```ts
 * runtime.method("visit", async (request, call) => String(await call.dict.incr(`visits:${request}`)));
 * ```
 */
export interface Dict {
  /** The value, or `null` if there is none. Its bytes are the caller's own. */
  get(key: string): Promise<Buffer | null>;
  /** Stores a value, for `ttl` milliseconds if given and not 0. */
  set(key: string, value: string | Uint8Array, options?: { ttl?: number }): Promise<void>;
  /** Adds to a number and returns the sum; a missing one counts from 0. */
  incr(key: string, by?: number): Promise<number>;
  /** Removes a value; it is no error if there is none. */
  delete(key: string): Promise<void>;
}
