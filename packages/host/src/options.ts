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
  /** Milliseconds that calls and streams in flight may take to end after a reload or an unload. Default 30000. */
  drainTimeout?: number;
  /** Reloads the runtime when a file that its code comes from changes: for development. Default false. */
  watch?: boolean;
  /** Names of the shared dicts that the runtime may use, the one it uses without naming it first. Default none. */
  dicts?: readonly string[];
  /** What the runtime's processes may use, of each for itself. */
  limits?: Limits;
  /** The user that the runtime's processes run as; this program runs as root then. */
  user?: string;
  /** The environment of the runtime's processes: `NAME` passes this program's variable on, `NAME=value` sets one. Default all. */
  env?: readonly string[];
  /** Python: the virtual environment whose packages are used. */
  venv?: string;
  /** Java: the home of the JDK or JRE that is used. */
  javaHome?: string;
  /** Node.js: the program that is run. */
  node?: string;
  /** Makes the library's symbols visible to libraries that are loaded later (RTLD_GLOBAL). Default false. */
  isGlobal?: boolean;
  /** Unmaps the library when the runtime is unloaded: only for libraries that leave nothing behind. Default false. */
  unpin?: boolean;
}

/** What one process of a runtime may use. What is left out is not limited. */
export interface Limits {
  /** Bytes of memory. */
  memory?: number;
  /** Descriptors that are open. */
  files?: number;
  /** Processors. */
  cpus?: number;
}

/** How to make a call. */
export interface CallOptions {
  /** Milliseconds until the call fails with `TIMEOUT` and its handler is told to stop; 0 = no limit. */
  timeout?: number;
  /** Aborting it fails the call with `CANCELLED` and tells its handler to stop. */
  signal?: AbortSignal;
}

type Check = (what: string, value: unknown) => void;

/** setTimeout's limit; 24 days. */
const MAX_TIME = 2 ** 31 - 1;

const LIMITS: Record<keyof Limits, Check> = {
  memory: (what, value) => whole(what, value, 1, Number.MAX_SAFE_INTEGER),
  files: (what, value) => whole(what, value, 1, 2 ** 20),
  cpus: (what, value) => whole(what, value, 1, 1024),
};

const LOAD_OPTIONS: Record<keyof LoadOptions, Check> = {
  maxQueue: (what, value) => whole(what, value, 1, 2 ** 20),
  isolate: boolean,
  workers: (what, value) => whole(what, value, 1, 64),
  timeout: time,
  restart: boolean,
  loadTimeout: (what, value) => whole(what, value, 1, MAX_TIME),
  drainTimeout: (what, value) => whole(what, value, 1, MAX_TIME),
  watch: boolean,
  dicts: (what, value) => list(what, value, "the names of shared dicts", text),
  limits: (what, value) => check(what, value, LIMITS),
  user: text,
  env: (what, value) => list(what, value, 'of the form "NAME" or "NAME=value"', variable),
  venv: text,
  javaHome: text,
  node: text,
  isGlobal: boolean,
  unpin: boolean,
};

/** @throws TypeError or RangeError that says which option to change, and how */
export function checkLoadOptions(options: unknown): asserts options is LoadOptions {
  check("load", options, LOAD_OPTIONS);
}

const CALL_OPTIONS: Record<keyof CallOptions, Check> = {
  timeout: time,
  signal: (what, value) => {
    if (!(value instanceof AbortSignal)) throw new TypeError(`${what} must be an AbortSignal, not ${shown(value)}`);
  },
};

/** Options of a one-way call. */
export type SendOptions = Omit<CallOptions, "signal">;

/** @throws TypeError or RangeError that says which option to change, and how */
export function checkSendOptions(options: unknown): asserts options is SendOptions {
  check("send", options, { timeout: time });
}

/** @throws TypeError or RangeError that says which option to change, and how */
export function checkCallOptions(options: unknown, where = "call"): asserts options is CallOptions {
  check(where, options, CALL_OPTIONS);
}

function check(where: string, options: unknown, known: Record<string, Check>): void {
  const inner = where.includes(":");
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${where}${inner ? "" : ": options"} must be an object, not ${shown(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(
        `${where}${inner ? " has" : ": there is"} no option "${name}"; the options are ${Object.keys(known).join(", ")}`,
      );
    }
    if (value !== undefined) known[name]?.(inner ? `${where}.${name}` : `${where}: option ${name}`, value);
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

function text(what: string, value: unknown): void {
  if (typeof value !== "string" || value === "" || value.includes("\0")) {
    throw new TypeError(`${what} must be a string that is not empty, not ${shown(value)}`);
  }
}

function variable(what: string, value: unknown): void {
  if (typeof value !== "string" || !/^[^=\0]+(=[^\0]*)?$/.test(value)) {
    throw new TypeError(`${what} must be "NAME" or "NAME=value", not ${shown(value)}`);
  }
}

function list(what: string, value: unknown, items: string, each: Check): void {
  if (!Array.isArray(value)) throw new TypeError(`${what} must be an array of strings, ${items}, not ${shown(value)}`);
  for (const [index, item] of value.entries()) each(`${what}[${index}]`, item);
}

/** A value as a message names it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean" || value == null) return String(value);
  return typeof value === "function" ? "a function" : Array.isArray(value) ? "an array" : "an object";
}
