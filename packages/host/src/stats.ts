import type { Buffer } from "node:buffer";

/** What a runtime has done so far. */
export interface Stats {
  /** Calls sent, streams among them. */
  calls: number;
  answered: number;
  failed: number;
  timedOut: number;
  cancelled: number;
  /** Answers that came after their call had timed out or been cancelled. */
  late: number;
  queueFull: number;
  /** Processes started in place of ones that died. */
  restarts: number;
  reloads: number;
  /** Streams opened. */
  streams: number;
  /** Payload bytes sent to the runtime. */
  bytesIn: number;
  /** Payload bytes that came from it. */
  bytesOut: number;
  inFlight: number;
  workers: number;
  /** Frames that wait in the queue: the runtime has not taken them yet. */
  queued: number;
  transport: "thread" | "process";
  /** Whether calls are accepted. */
  up: boolean;
}

/** What the calls of one method have done so far. */
export interface MethodStats {
  calls: number;
  answered: number;
  bytesIn: number;
  bytesOut: number;
  inFlight: number;
  /** Calls that failed with each of the host's codes. */
  errors: Record<ErrorKind, number>;
  /** Milliseconds that the answered calls, without streams, took together. */
  took: number;
  /** How many of them took less than so many milliseconds; the last bound is Infinity. */
  histogram: { below: number; calls: number }[];
}

/** `runtime` counts the codes that are the runtime's own. */
export type ErrorKind = (typeof KINDS)[number];

/** `RESTY_FFI_KINDS`: the index is the code, negated. */
const KINDS = [
  "runtime",
  "timeout",
  "cancelled",
  "queueFull",
  "tooLarge",
  "noMethod",
  "threw",
  "exited",
  "unloaded",
  "badPhase",
  "badArgument",
] as const;

export const STATS_BYTES = 120;
export const METHOD_STATS_BYTES = 304;

const ERRORS = 4;
const TOOK = ERRORS + 12;
const BUCKETS = 20;
/** The first bucket's bound in ms; each next one is twice as wide. */
const FIRST = 0.008192;

const counter = (bytes: Buffer) => (index: number) => Number(bytes.readBigUInt64LE(8 * index));

/** `resty_ffi_stats` of native/loop/host.h. */
export function decodeStats(bytes: Buffer): Stats {
  const count = counter(bytes);
  return {
    calls: count(0),
    answered: count(1),
    failed: count(2),
    timedOut: count(3),
    cancelled: count(4),
    late: count(5),
    queueFull: count(6),
    restarts: count(7),
    reloads: count(8),
    streams: count(9),
    bytesIn: count(10),
    bytesOut: count(11),
    inFlight: bytes.readUInt32LE(96),
    workers: bytes.readUInt32LE(100),
    queued: bytes.readUInt32LE(104),
    transport: bytes.readInt32LE(108) ? "process" : "thread",
    up: bytes.readInt32LE(112) !== 0,
  };
}

/** `resty_ffi_method_stats` of native/loop/host.h. */
export function decodeMethodStats(bytes: Buffer): MethodStats {
  const count = counter(bytes);
  const errors = Object.fromEntries(KINDS.map((kind, index) => [kind, count(ERRORS + index)]));
  return {
    calls: count(0),
    answered: count(1),
    bytesIn: count(2),
    bytesOut: count(3),
    inFlight: count(TOOK + BUCKETS + 1),
    errors: errors as Record<ErrorKind, number>,
    took: count(TOOK + BUCKETS) / 1000,
    histogram: Array.from({ length: BUCKETS }, (_, index) => ({
      below: index === BUCKETS - 1 ? Number.POSITIVE_INFINITY : FIRST * 2 ** index,
      calls: count(TOOK + index),
    })),
  };
}
