/** How to load a runtime. */
export interface LoadOptions {
  /** Calls that may wait in the runtime's queue; one more fails with `QUEUE_FULL`. Rounded up to a power of two. Default 65536. */
  maxQueue?: number;
  /** Runs the runtime in a process of its own: if it crashes, this program lives on. Default false. */
  isolate?: boolean;
  /** Processes that share the calls, with `isolate` and for runtimes that are processes anyway. Default 1. */
  workers?: number;
  /** Milliseconds that a call may take unless it says otherwise; 0 = no limit. Default 5000. */
  timeout?: number;
  /** Starts the runtime's process again when it has died. Default true. */
  restart?: boolean;
  /** Milliseconds that the runtime may take to start. Default 30000. */
  loadTimeout?: number;
  /** Makes the library's symbols visible to libraries that are loaded later (RTLD_GLOBAL). Default false. */
  isGlobal?: boolean;
  /** Unmaps the library when the runtime is unloaded: only for libraries that leave nothing behind. Default false. */
  unpin?: boolean;
}

/** How to make a call. */
export interface CallOptions {
  /** Milliseconds until the call fails with `TIMEOUT` and its handler is told to stop; 0 = no limit. */
  timeout?: number;
  /** Aborting it fails the call with `CANCELLED` and tells its handler to stop. */
  signal?: AbortSignal;
}

/** setTimeout's limit; 24 days. */
const MAX_TIME = 2 ** 31 - 1;

const LOAD_OPTIONS: Record<keyof LoadOptions, (what: string, value: unknown) => void> = {
  maxQueue: (what, value) => whole(what, value, 1, 2 ** 20),
  isolate: boolean,
  workers: (what, value) => whole(what, value, 1, 64),
  timeout: time,
  restart: boolean,
  loadTimeout: (what, value) => whole(what, value, 1, MAX_TIME),
  isGlobal: boolean,
  unpin: boolean,
};

/** @throws TypeError or RangeError that says which option to change, and how */
export function checkLoadOptions(options: unknown): asserts options is LoadOptions {
  check("load", options, LOAD_OPTIONS);
}

const CALL_OPTIONS: Record<keyof CallOptions, (what: string, value: unknown) => void> = {
  timeout: time,
  signal: (what, value) => {
    if (!(value instanceof AbortSignal)) throw new TypeError(`${what} must be an AbortSignal, not ${shown(value)}`);
  },
};

/** @throws TypeError or RangeError that says which option to change, and how */
export function checkCallOptions(options: unknown): asserts options is CallOptions {
  check("call", options, CALL_OPTIONS);
}

function check(where: string, options: unknown, known: Record<string, (what: string, value: unknown) => void>): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${where}: options must be an object, not ${shown(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(`${where}: there is no option "${name}"; the options are ${Object.keys(known).join(", ")}`);
    }
    if (value !== undefined) known[name]?.(`${where}: option ${name}`, value);
  }
}

function boolean(what: string, value: unknown): void {
  if (typeof value !== "boolean") throw new TypeError(`${what} must be true or false, not ${shown(value)}`);
}

function whole(what: string, value: unknown, min: number, max: number): void {
  if (typeof value !== "number") throw new TypeError(`${what} must be a whole number, not ${shown(value)}`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${what} must be a whole number from ${min} to ${max}, not ${value}`);
  }
}

function time(what: string, value: unknown): void {
  if (typeof value !== "number") throw new TypeError(`${what} must be milliseconds, not ${shown(value)}`);
  if (!(value >= 0 && value <= MAX_TIME)) {
    throw new RangeError(`${what} must be milliseconds from 0 (no limit) to ${MAX_TIME}, not ${value}`);
  }
}

/** A value as a message names it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean" || value == null) return String(value);
  return typeof value === "function" ? "a function" : Array.isArray(value) ? "an array" : "an object";
}
