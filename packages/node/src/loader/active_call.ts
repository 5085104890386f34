import { AsyncResource, executionAsyncId } from "node:async_hooks";
import type { Call } from "../call.js";
import type { Dict } from "../dict.js";
import { currentHost } from "../host.js";
import type { Log } from "../log.js";

/** Now, on the clock of a frame's deadline: both are CLOCK_MONOTONIC in nanoseconds. */
const now = () => Number(process.hrtime.bigint());

/** What calls are triggered by, as `async_hooks` has it; to have Node.js find it out would cost as much as the rest. */
const trigger = executionAsyncId();

/**
 * A call that a handler works on, and its asynchronous context: what the handler does in it, such as
 * `AsyncLocalStorage.enterWith`, is seen by what it starts, and by no other call. Light: most handlers look at none of it.
 */
export class ActiveCall extends AsyncResource implements Call {
  readonly id: bigint;
  readonly method: string;
  readonly #deadline: number;
  #aborted = false;
  #controller: AbortController | undefined;

  constructor(id: bigint, method: string, deadline: number) {
    super("RESTY_FFI_CALL", trigger);
    this.id = id;
    this.method = method;
    this.#deadline = deadline;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  abort(): void {
    this.#aborted = true;
    if (this.#controller) this.runInAsyncScope(this.#controller.abort, this.#controller);
  }

  get deadline(): Date | null {
    return this.#deadline === 0 ? null : new Date(Date.now() + this.remaining());
  }

  remaining(): number {
    return this.#deadline === 0 ? Number.POSITIVE_INFINITY : Math.max(0, (this.#deadline - now()) / 1e6);
  }

  get log(): Log {
    return currentHost().log;
  }

  get dict(): Dict {
    return currentHost().dict;
  }
}
