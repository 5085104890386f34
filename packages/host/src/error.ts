/**
 * A call that failed, or a runtime that could not be loaded.
 *
 * The message is the runtime's own, or a sentence of the host's that names the runtime.
 *
 * @example
 * ```ts
 * try {
 *   await rt.fetch("key", { timeout: 100 });
 * } catch (error) {
 *   if (error instanceof RestyFfiError && error.code === TIMEOUT) return fallback;
 *   throw error;
 * }
 * ```
 */
export class RestyFfiError extends Error {
  override readonly name = "RestyFfiError";

  /** Negative: one of this module's constants (`TIMEOUT`, `QUEUE_FULL`, …). Positive: the runtime's own. */
  readonly code: number;

  constructor(message: string, code: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
