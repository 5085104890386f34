/**
 * A shared dict of the host: small values that all workers and all runtimes of the host share (in nginx a
 * `lua_shared_dict`). An operation that the host refuses rejects with a {@link RestyFfiError}.
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
  /** Returns the value, or `null` if the key is missing. The bytes belong to the caller. */
  get(key: string): Promise<Buffer | null>;
  /** Stores a value. */
  set(key: string, value: string | Uint8Array, options?: TimeToLive): Promise<void>;
  /** Stores a value if the key is missing. Returns whether it was stored. */
  add(key: string, value: string | Uint8Array, options?: TimeToLive): Promise<boolean>;
  /** Adds to a number and returns the sum. A missing key counts from 0 and gets the time to live. */
  incr(key: string, by?: number, options?: TimeToLive): Promise<number>;
  /** Removes a key. A missing key is not an error. */
  delete(key: string): Promise<void>;
  /** The dict of that name. The option `dicts` of `ngx.load_ffi` lists the dicts that a runtime may use. */
  named(name: string): Dict;
}

/** How long a value is kept: `ttl` milliseconds; without it, or with 0, for ever. */
export interface TimeToLive {
  ttl?: number;
}
