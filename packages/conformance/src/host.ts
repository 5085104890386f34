/** The outcome of a call; null = nil. */
export type Answer = { ok: true; body: Buffer | null } | { ok: false; code: number; message: string };

/** The host's codes in resty_ffi.h. */
export const Code = {
  TIMEOUT: -1,
  CANCELLED: -2,
  QUEUE_FULL: -3,
  TOO_LARGE: -4,
  NO_METHOD: -5,
  THREW: -6,
  EXITED: -7,
  UNLOADED: -8,
  BAD_PHASE: -9,
  BAD_ARGUMENT: -10,
} as const;

/** Times in ms. */
export interface LoadOptions {
  isolate?: boolean;
  workers?: number;
  timeout?: number;
  loadTimeout?: number;
  maxQueue?: number;
  restart?: boolean;
  drainTimeout?: number;
  watch?: boolean;
  dicts?: string[];
  limits?: { memory?: number; files?: number; cpus?: number };
  env?: string[];
}

/**
 * A step on a stream; the steps run in order, next to the runtime. `send` sends `text`, or a message of `size` bytes,
 * `times` times. `recv` receives `times` messages. `drain` receives until the end, with a pause after each message. The
 * pause and `ms` are in ms.
 */
export type Step =
  | { do: "send"; text?: string; size?: number; times?: number }
  | { do: "recv"; times?: number }
  | { do: "drain"; pause?: number }
  | { do: "closeSend" }
  | { do: "close" }
  | { do: "sleep"; ms: number };

/** The course of a stream. */
export interface Streamed {
  /** The number of received messages, and of their bytes. */
  count: number;
  bytes: number;
  /** The first messages, each cut to 64 characters. */
  texts: string[];
  /** 0: the stream has ended. A code: it has failed. null: it is open, or was closed. */
  status: number | null;
  message: string;
}

export interface Stats {
  calls: number;
  answered: number;
  failed: number;
  timedOut: number;
  cancelled: number;
  late: number;
  queueFull: number;
  restarts: number;
  reloads: number;
  streams: number;
  inFlight: number;
  queued: number;
  transport: string;
}

export interface Line {
  level: string;
  text: string;
}

/** Many calls at once, made next to the runtime: with nginx in the worker itself. */
export interface Storm {
  calls: number;
  inFlight: number;
  /** Most requests are below 4 KB; one in 50 has up to this many bytes. */
  largest: number;
}

/** A loaded runtime on any host. */
export interface Loaded {
  call(method: string, request?: Buffer | string | null, options?: { timeout?: number }): Promise<Answer>;
  /** Sends a one-way call. Rejects if it was not sent. */
  send(method: string, request: string): Promise<void>;
  /** Makes a call and gives it up after `ms`: by an aborted signal, or a client that closes its connection. */
  abandon(method: string, ms: number): Promise<void>;
  /** Calls `xor` with random requests and checks every byte. Returns the counts of "ok", "wrong" and error codes. */
  storm(storm: Storm): Promise<Record<string, number>>;
  /** Starts this number of calls of `method` before the event loop runs again. Returns the counts of "ok" and codes. */
  burst(method: string, request: string, calls: number): Promise<Record<string, number>>;
  /** Calls `never`: all calls end at their timeout. Returns the counts of codes. */
  timeOut(calls: number, inFlight: number, timeout: number): Promise<Record<string, number>>;
  /** Opens a stream and takes these steps. Times are in ms; a timeout is for the whole stream. */
  stream(method: string, first: string | null, steps: Step[], options?: { timeout?: number }): Promise<Streamed>;
  /** Opens this number of streams, one after the other, and cancels each after its first message. */
  cancelHalfWay(method: string, first: string, streams: number): Promise<void>;
  /**
   * Keeps `inFlight` calls of `xor` in flight for `ms`, with `reloads` reloads. Returns the calls sent and answered.
   */
  reloadUnderLoad(reloads: number, inFlight: number, ms: number): Promise<Record<string, number>>;
  /** Rejects with the message of the host. */
  reload(): Promise<void>;
  stats(): Promise<Stats>;
  unload(): Promise<void>;
}

export interface Host {
  readonly kind: "node" | "nginx";
  /** The process that holds the event loop. */
  readonly pid: number;
  /** The levels in its log. */
  readonly levels: readonly string[];
  /** Whether calls without a deadline are possible. */
  readonly unlimited: boolean;
  /** Rejects with the message of the host. */
  load(lib: string, cfg: string | null, options?: LoadOptions): Promise<Loaded>;
  log(): Line[];
  /** Collects garbage, so that memory figures are comparable. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export function count(into: Record<string, number>, key: string | number): void {
  into[key] = (into[key] ?? 0) + 1;
}
