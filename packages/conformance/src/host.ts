/** How a call ended; null = no answer at all (nil). */
export type Answer = { ok: true; body: Buffer | null } | { ok: false; code: number; message: string };

/** The host's codes, of resty_ffi.h. */
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
 * What is done with a stream, one after the other, next to the runtime. `send`: as many messages; `size` makes one of so
 * many bytes. `recv`: as many messages. `drain`: until the end, with a pause after each message. Times in ms.
 */
export type Step =
  | { do: "send"; text?: string; size?: number; times?: number }
  | { do: "recv"; times?: number }
  | { do: "drain"; pause?: number }
  | { do: "closeSend" }
  | { do: "close" }
  | { do: "sleep"; ms: number };

/** How a stream went. */
export interface Streamed {
  /** Messages that were received, and their bytes. */
  count: number;
  bytes: number;
  /** The first messages, as text of at most 64 characters. */
  texts: string[];
  /** 0 = the end was seen, a code = it failed; null = it is open, or was closed. */
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

/** Many calls at once, made next to the runtime: in the worker itself where the host is nginx. */
export interface Storm {
  calls: number;
  inFlight: number;
  /** Most requests are below 4 KB, one in 50 is up to this. */
  largest: number;
}

/** A loaded runtime, whatever the host. */
export interface Loaded {
  call(method: string, request?: Buffer | string | null, options?: { timeout?: number }): Promise<Answer>;
  /** A one-way call. Rejects if it was not sent. */
  send(method: string, request: string): Promise<void>;
  /** Makes a call and goes away after `ms`: an aborted signal, a client that closes its connection. */
  abandon(method: string, ms: number): Promise<void>;
  /** Calls of `xor` with random requests, checked byte by byte. Counts of "ok", "wrong", or an error's code. */
  storm(storm: Storm): Promise<Record<string, number>>;
  /** As many calls of `method` begun at once, without a chance for the event loop. Counts of "ok" or a code. */
  burst(method: string, request: string, calls: number): Promise<Record<string, number>>;
  /** Calls of `never` that all end at their timeout. Counts of codes. */
  timeOut(calls: number, inFlight: number, timeout: number): Promise<Record<string, number>>;
  /** Opens a stream and takes these steps. Times in ms; a timeout is the whole stream's. */
  stream(method: string, first: string | null, steps: Step[], options?: { timeout?: number }): Promise<Streamed>;
  /** As many streams, one after the other, each cancelled when it has received one message. */
  cancelHalfWay(method: string, first: string, streams: number): Promise<void>;
  /** `inFlight` calls of `xor` at any time for `ms`, while the runtime is reloaded `reloads` times. Calls sent and answered. */
  reloadUnderLoad(reloads: number, inFlight: number, ms: number): Promise<Record<string, number>>;
  /** Rejects with the host's message. */
  reload(): Promise<void>;
  stats(): Promise<Stats>;
  unload(): Promise<void>;
}

export interface Host {
  readonly kind: "node" | "nginx";
  /** The process that holds the event loop. */
  readonly pid: number;
  /** Levels that its log shows. */
  readonly levels: readonly string[];
  /** Whether a call can be made without a deadline. */
  readonly unlimited: boolean;
  /** Rejects with the host's message. */
  load(lib: string, cfg: string | null, options?: LoadOptions): Promise<Loaded>;
  log(): Line[];
  /** Collects garbage, so that memory can be compared. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export function count(into: Record<string, number>, key: string | number): void {
  into[key] = (into[key] ?? 0) + 1;
}
