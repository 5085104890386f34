/**
 * The codes of the host, the same in every host and SDK. They are negative; positive ones are the author's own.
 */
export const Status = {
  /** No answer came before the deadline. */
  TIMEOUT: -1,
  /** The caller went away, or the handler gave up because it was told so. */
  CANCELLED: -2,
  /** As many calls wait as are allowed, or the payload memory is used up. */
  QUEUE_FULL: -3,
  /** A payload above the limit. */
  TOO_LARGE: -4,
  /** The runtime serves no method of this name. */
  NO_METHOD: -5,
  /** The handler threw something that is not a {@link RestyFfiError}. */
  THREW: -6,
  /** The runtime's process ended. */
  EXITED: -7,
  /** The runtime has been unloaded. */
  UNLOADED: -8,
  /** Called where the host cannot wait. */
  BAD_PHASE: -9,
  /** An argument that the host cannot use. */
  BAD_ARGUMENT: -10,
} as const;

const brand = Symbol.for("@resty-ffi/node/error");

/**
 * A failure with a code. Thrown by a handler, it becomes the call's answer: Lua sees `false, code, message`. Any other
 * error that a handler throws is answered with {@link Status.THREW} and the text `name: message`.
 *
 * What the host refuses, such as an operation of {@link Dict}, is rejected with this class as well.
 *
 * @example
 * ```ts
 * runtime.method("user", async (request) => {
 *   const user = await users.find(String(request));
 *   if (!user) throw new RestyFfiError("no such user", 404);
 *   return JSON.stringify(user);
 * });
 * ```
 */
export class RestyFfiError extends Error {
  override readonly name = "RestyFfiError";

  /** The code that the caller sees; above 0 it is the author's, below 0 one of {@link Status}. */
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

  /** @internal A runtime's module and the loader have their own copy of this class each, so instanceof will not do. */
  readonly [brand] = true;
}

/** @internal */
export function isRestyFfiError(error: unknown): error is RestyFfiError {
  return typeof error === "object" && error !== null && brand in error;
}
