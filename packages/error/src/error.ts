/**
 * The codes of the host, the same in every host and SDK. They are negative; positive codes belong to the author of a
 * runtime.
 */
export const Status = {
  /** No answer came before the deadline. */
  TIMEOUT: -1,
  /** The caller gave up, or the handler stopped because it was told to. */
  CANCELLED: -2,
  /** As many calls wait as are allowed, or the payload memory is used up. */
  QUEUE_FULL: -3,
  /** A payload is above the limit of 128 MB. */
  TOO_LARGE: -4,
  /** The runtime serves no method of this name. */
  NO_METHOD: -5,
  /** The handler threw, panicked, or failed without a code of its own. */
  THREW: -6,
  /** The runtime's process ended, or the runtime did not start. */
  EXITED: -7,
  /** The runtime has been unloaded. */
  UNLOADED: -8,
  /** The host cannot wait where it was called. Never happens in Node.js. */
  BAD_PHASE: -9,
  /** The host cannot use a name, a configuration or a payload. */
  BAD_ARGUMENT: -10,
} as const;

const brand = Symbol.for("@resty-ffi/error");

/**
 * A failure with a code: the one error of `@resty-ffi/node` and `@resty-ffi/host`.
 *
 * A handler that throws it answers its call with it: the caller gets the code and the message. A host rejects with it
 * when a call fails or a runtime cannot be loaded; the message is then the runtime's own, or a sentence that names the
 * runtime.
 *
 * `instanceof` recognises the error of either package, whichever module format and copy it comes from. So a handler
 * that calls another runtime passes its failure on by not catching it.
 *
 * @example
 * ```ts
 * runtime.method("user", async (request) => {
 *   const user = await users.find(String(request));
 *   if (!user) throw new RestyFfiError("no such user", 404);
 *   return JSON.stringify(user);
 * });
 *
 * try {
 *   await rt.user("7", { timeout: 100 });
 * } catch (error) {
 *   if (error instanceof RestyFfiError && error.code === Status.TIMEOUT) return fallback;
 *   throw error;
 * }
 * ```
 */
export class RestyFfiError extends Error {
  override readonly name = "RestyFfiError";

  /** Below 0 one of {@link Status}; above 0 the runtime's own. */
  readonly code: number;

  /**
   * @param code a whole number of 32 bits, not 0
   * @throws RangeError for any other code
   */
  constructor(message: string, code: number, options?: ErrorOptions) {
    super(message, options);
    if (!Number.isInteger(code) || code === 0 || (code | 0) !== code) {
      throw new RangeError(`A RestyFfiError's code is a whole number of 32 bits and not 0, but ${code} was given.`);
    }
    this.code = code;
  }

  /** @internal */
  get [brand](): true {
    return true;
  }

  /** Each package brings its own copy of this class, in two module formats: any copy's errors are instances of all. */
  static override [Symbol.hasInstance]<T>(this: abstract new (...args: never) => T, value: unknown): value is T {
    // biome-ignore lint/complexity/noThisInStatic: it may be a subclass, which has only its own instances.
    if ((this as unknown) !== RestyFfiError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && brand in value;
  }
}
