/** The options of a load. */
export interface LoadOptions {
  /**
   * How many calls can wait in the runtime's queue; further calls fail with `QUEUE_FULL`. Rounded up to a power of
   * two. Default 65536.
   */
  maxQueue?: number;
  /** Runs the runtime in a process of its own, so that a crash does not end this program. Default false. */
  isolate?: boolean;
  /** How many processes share the calls, with `isolate` and for runtimes that always run as a process. Default 1. */
  workers?: number;
  /** The default timeout of a call in milliseconds; 0 = no limit. Default 5000. */
  timeout?: number;
  /** Restarts the runtime's process after a crash. Default true. */
  restart?: boolean;
  /** How long the runtime may take to start, in milliseconds. Default 30000. */
  loadTimeout?: number;
  /** How long calls and streams in flight may take after a reload or an unload, in milliseconds. Default 30000. */
  drainTimeout?: number;
  /** Reloads the runtime when a file of its code changes, for development. Default false. */
  watch?: boolean;
  /** The names of the shared dicts that the runtime may use; the first is its default dict. Default none. */
  dicts?: readonly string[];
  /** Resource limits of each of the runtime's processes. */
  limits?: Limits;
  /** The user that the runtime's processes run as. This program must then run as root. */
  user?: string;
  /**
   * The environment of the runtime's processes: `NAME` passes a variable of this program on, `NAME=value` sets one.
   * Default: all variables.
   */
  env?: readonly string[];
  /** Python: the virtual environment to use. */
  venv?: string;
  /** Java: the home of the JDK or JRE to use. */
  javaHome?: string;
  /** Node.js: the program to run. */
  node?: string;
  /** Makes the library's symbols visible to libraries that are loaded later (RTLD_GLOBAL). Default false. */
  isGlobal?: boolean;
  /**
   * Unmaps the library when the runtime is unloaded. Only for libraries that leave no threads or callbacks behind.
   * Default false.
   */
  unpin?: boolean;
}

/** Resource limits of one process of a runtime. A limit that is left out does not apply. */
export interface Limits {
  /** Memory in bytes. */
  memory?: number;
  /** Open descriptors. */
  files?: number;
  /** Processors. */
  cpus?: number;
}

/** The options of a call. */
export interface CallOptions {
  /** After this many milliseconds the call fails with `TIMEOUT`, and its handler is cancelled; 0 = no limit. */
  timeout?: number;
  /** Aborting the signal fails the call with `CANCELLED` and cancels its handler. */
  signal?: AbortSignal;
}

type Check = (what: string, value: unknown) => void;

/** The limit of setTimeout: 24 days. */
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

/** @throws TypeError or RangeError that names the option and its valid values */
export function checkLoadOptions(options: unknown): asserts options is LoadOptions {
  check("load", options, LOAD_OPTIONS);
}

const CALL_OPTIONS: Record<keyof CallOptions, Check> = {
  timeout: time,
  signal: (what, value) => {
    if (!(value instanceof AbortSignal)) throw new TypeError(`${what} must be an AbortSignal, not ${shown(value)}`);
  },
};

/** The options of a one-way call. */
export type SendOptions = Omit<CallOptions, "signal">;

/** @throws TypeError or RangeError that names the option and its valid values */
export function checkSendOptions(options: unknown): asserts options is SendOptions {
  check("send", options, { timeout: time });
}

/** @throws TypeError or RangeError that names the option and its valid values */
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

/** A value as shown in messages. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean" || value == null) return String(value);
  return typeof value === "function" ? "a function" : Array.isArray(value) ? "an array" : "an object";
}
