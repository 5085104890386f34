import { AsyncResource, executionAsyncId } from "node:async_hooks";
import type { Call } from "../call.js";
import type { Dict } from "../dict.js";
import { currentHost } from "../host.js";
import type { Log } from "../log.js";

/** The current time on the clock of a frame's deadline: CLOCK_MONOTONIC in nanoseconds. */
const now = () => Number(process.hrtime.bigint());

/** The trigger of all calls in terms of `async_hooks`. Looking it up for each call would double the cost of a call. */
const trigger = executionAsyncId();

/**
 * A call that a handler works on, and its asynchronous context: `AsyncLocalStorage.enterWith` in the handler affects
 * what it starts, and no other call. Most handlers use nothing of it, so its parts are created on demand.
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
