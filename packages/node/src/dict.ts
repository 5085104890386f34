/**
 * A shared dict of the host's: small values that all workers and all runtimes of the host see (in nginx a
 * `lua_shared_dict`). What the host refuses rejects with a {@link RestyFfiError}.
 *
 * @example
 * ```ts
 * runtime.method("visit", async (request, call) => String(await call.dict.incr(`visits:${request}`)));
 *
 * const cache = runtime.dict.named("cache");
 * if (await cache.add("lock", "mine", { ttl: 1000 })) await refresh();
 * ```
 */
export interface Dict {
  /** The value, or `null` if there is none. Its bytes are the caller's own. */
  get(key: string): Promise<Buffer | null>;
  /** Stores a value. */
  set(key: string, value: string | Uint8Array, options?: TimeToLive): Promise<void>;
  /** Stores a value if there is none, and tells whether it did. */
  add(key: string, value: string | Uint8Array, options?: TimeToLive): Promise<boolean>;
  /** Adds to a number and returns the sum; a missing one counts from 0 and gets the time to live. */
  incr(key: string, by?: number, options?: TimeToLive): Promise<number>;
  /** Removes a value; it is no error if there is none. */
  delete(key: string): Promise<void>;
  /** Another dict, by its name. The host says which ones a runtime may use: option `dicts` of `ngx.load_ffi`. */
  named(name: string): Dict;
}

/** How long a value is kept: `ttl` milliseconds, for ever without it or with 0. */
export interface TimeToLive {
  ttl?: number;
}
