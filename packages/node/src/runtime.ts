import type { Call } from "./call.js";
import type { Dict } from "./dict.js";
import { currentHost } from "./host.js";
import type { Log } from "./log.js";
import type { StreamHandler } from "./stream.js";

/** What a handler answers: bytes, text (sent as UTF-8), or nothing (`null`, no `return`: nil in Lua). */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may end without a return.
export type Answer = Uint8Array | string | null | undefined | void;

/**
 * Answers a call. `request` is `null` if the caller gave none (nil), which is not the same as an empty one; its bytes
 * are the handler's own. A handler that answers without a promise is the fastest; while it runs, no other does.
 *
 * Throwing, or rejecting, answers the call with an error: see {@link RestyFfiError}. The runtime lives on.
 */
export type Handler = (request: Buffer | null, call: Call) => Answer | Promise<Answer>;

/** Called when the runtime ends. `signal` is aborted when its time is over. */
export type UnloadHandler = (signal: AbortSignal) => unknown;

/** @internal What the loader reads of a runtime. */
export interface Definition {
  readonly handlers: Map<string, Handler>;
  readonly streams: Map<string, StreamHandler>;
  readonly unload: UnloadHandler[];
  fallback: Handler | undefined;
}

const definition = Symbol.for("@resty-ffi/node/runtime");

/** The methods that a host may call. Made by {@link createRuntime}. */
export class Runtime {
  /** @internal */
  readonly [definition]: Definition = {
    handlers: new Map(),
    streams: new Map(),
    unload: [],
    fallback: undefined,
  };

  /**
   * Registers the handler of a method.
   *
   * @throws Error if the method has one already
   */
  method(name: string, handler: Handler): this {
    this.#claim(name);
    this[definition].handlers.set(name, handler);
    return this;
  }

  /**
   * Registers the handler of a stream: a method that takes and sends many messages. A method of the other kind may be
   * opened as a stream too; then it gets the first message, and its answer is the only one.
   *
   * @throws Error if the method has a handler already
   *
   * @example
   * ```ts
   * runtime.stream("chat", async function* (requests) {
   *   for await (const message of requests) yield `you said ${message}`;
   * });
   * ```
   */
  stream(name: string, handler: StreamHandler): this {
    this.#claim(name);
    this[definition].streams.set(name, handler);
    return this;
  }

  #claim(name: string): void {
    const { handlers, streams } = this[definition];
    if (handlers.has(name) || streams.has(name)) {
      throw new Error(`The method "${name}" is registered already; give the second one another name.`);
    }
  }

  /** Registers the handler of all names that have no handler of their own; `call.method` tells which it was. */
  default(handler: Handler): this {
    this[definition].fallback = handler;
    return this;
  }

  /**
   * Registers what is to be done when the runtime ends, such as sending what is left to send, and closing connections.
   * By then the calls have been answered. The last one registered is called first. The process ends when all is done; a
   * worker of nginx that quits waits for it.
   *
   * The time for it is `drain_timeout` (30 s) at an unload or a reload, and what the host says at its own end.
   */
  onUnload(handler: UnloadHandler): this {
    this[definition].unload.push(handler);
    return this;
  }

  /** The name of this runtime in the host's messages. */
  get name(): string {
    return currentHost().name;
  }

  /** The version of the interface that the host speaks; 0 without a host. */
  get abi(): number {
    return currentHost().abi;
  }

  /** The configuration string that it was loaded with; `null` if there is none. */
  get config(): string | null {
    return currentHost().config;
  }

  /** The host's log, for use outside of calls. Without a host it writes to stderr. */
  get log(): Log {
    return currentHost().log;
  }

  /** The host's shared dict, for use outside of calls. */
  get dict(): Dict {
    return currentHost().dict;
  }
}

/**
 * Makes a runtime. A module exports it, or a function that takes the configuration string and returns it (or a promise
 * of it); the host is told the module's file, the name of the export, and the configuration: `/srv/app.mjs,app,…`.
 *
 * @example
 * ```ts
 * export const app = createRuntime()
 *   .method("echo", (request) => request)
 *   .method("sleep", async (request, call) => setTimeout(Number(request), "slept", { signal: call.signal }))
 *   .default((_request, call) => `there is no ${call.method} here`);
 * ```
 */
export function createRuntime(): Runtime {
  return new Runtime();
}

/** @internal The definition of a runtime made by any copy of this package, or undefined for anything else. */
export function definitionOf(value: unknown): Definition | undefined {
  return typeof value === "object" && value !== null ? (value as Partial<Runtime>)[definition] : undefined;
}
