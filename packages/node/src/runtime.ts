import type { Call } from "./call.js";
import type { Dict } from "./dict.js";
import { currentHost } from "./host.js";
import type { Log } from "./log.js";
import type { StreamHandler } from "./stream.js";

/** The answer of a handler: bytes, text (sent as UTF-8), or nothing (`null` or no `return`; nil in Lua). */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may end without a return.
export type Answer = Uint8Array | string | null | undefined | void;

/**
 * Answers a call. `request` is `null` if the caller passed nil, as opposed to an empty request. Its bytes belong to the
 * handler. Handlers that answer without a promise are the fastest; no other handler runs at the same time.
 *
 * A handler that throws or rejects answers the call with an error: see {@link RestyFfiError}. The runtime continues.
 */
export type Handler = (request: Buffer | null, call: Call) => Answer | Promise<Answer>;

/** Called when the runtime ends. `signal` is aborted when the time limit is reached. */
export type UnloadHandler = (signal: AbortSignal) => unknown;

/** @internal The part of a runtime that the loader reads. */
export interface Definition {
  readonly handlers: Map<string, Handler>;
  readonly streams: Map<string, StreamHandler>;
  readonly unload: UnloadHandler[];
  fallback: Handler | undefined;
}

const definition = Symbol.for("@resty-ffi/node/runtime");

/** The methods that a host can call. Created by {@link createRuntime}. */
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
   * @throws Error if the method has a handler already
   */
  method(name: string, handler: Handler): this {
    this.#claim(name);
    this[definition].handlers.set(name, handler);
    return this;
  }

  /**
   * Registers the handler of a stream: a method that receives and sends many messages. A plain method can be opened as
   * a stream too: it gets the first message, and its answer is the only one.
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

  /** Registers the handler of all names without a handler of their own; `call.method` is the name that was called. */
  default(handler: Handler): this {
    this[definition].fallback = handler;
    return this;
  }

  /**
   * Registers a function for the end of the runtime, for example to send buffered data and to close connections. It
   * runs after all calls have been answered, the last registered function first. The process ends when all of them are
   * done; a quitting worker of nginx waits for that.
   *
   * The time limit is `drain_timeout` (30 s) at an unload or a reload, and the host's own limit when the host ends.
   */
  onUnload(handler: UnloadHandler): this {
    this[definition].unload.push(handler);
    return this;
  }

  /** The name of this runtime in messages of the host. */
  get name(): string {
    return currentHost().name;
  }

  /** The version of the interface that the host implements; 0 without a host. */
  get abi(): number {
    return currentHost().abi;
  }

  /** The configuration string of the load; `null` if none was given. */
  get config(): string | null {
    return currentHost().config;
  }

  /** The host's log, for use outside of calls. It writes to stderr without a host. */
  get log(): Log {
    return currentHost().log;
  }

  /** The host's shared dict, for use outside of calls. */
  get dict(): Dict {
    return currentHost().dict;
  }
}

/**
 * Creates a runtime. A module exports it, or a function that takes the configuration string and returns it or a promise
 * of it. The host is given the module's file, the name of the export and the configuration: `/srv/app.mjs,app,…`.
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
