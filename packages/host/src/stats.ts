import type { Buffer } from "node:buffer";
import { BUCKETS, METHOD_STATS, STATS } from "./abi.js";

/** The counters of a runtime. */
export interface Stats {
  /** Calls that were sent, including streams. */
  calls: number;
  answered: number;
  failed: number;
  timedOut: number;
  cancelled: number;
  /** Answers that arrived after their call had timed out or been cancelled. */
  late: number;
  queueFull: number;
  /** Processes that were started after a crash. */
  restarts: number;
  reloads: number;
  /** Streams that were opened. */
  streams: number;
  /** Payload bytes sent to the runtime. */
  bytesIn: number;
  /** Payload bytes received from the runtime. */
  bytesOut: number;
  inFlight: number;
  workers: number;
  /** Frames in the queue that the runtime has not taken yet. */
  queued: number;
  transport: "thread" | "process";
  /** Whether the runtime accepts calls. */
  up: boolean;
}

/** The counters of one method. */
export interface MethodStats {
  calls: number;
  answered: number;
  bytesIn: number;
  bytesOut: number;
  inFlight: number;
  /** The calls that failed, by the host's code. */
  errors: Record<ErrorKind, number>;
  /** The total duration of the answered calls in milliseconds, without streams. */
  took: number;
  /**
   * How many of these calls took less than `below` milliseconds and not less than the bound before. The last bound is
   * Infinity.
   */
  histogram: { below: number; calls: number }[];
}

/** The kinds of errors. `runtime` counts the runtime's own codes. */
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** The counters of errors in their order: the index is the negated code. */
export const ERROR_KINDS = [
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

/** The bound of the first bucket in ms. Each following bound is twice as high. */
const FIRST = 0.008192;

const counter = (bytes: Buffer) => (offset: number) => Number(bytes.readBigUInt64LE(offset));

/** `resty_ffi_stats` of native/loop/host.h. */
export function decodeStats(bytes: Buffer): Stats {
  const { at } = STATS;
  const count = counter(bytes);
  return {
    calls: count(at.calls),
    answered: count(at.answered),
    failed: count(at.failed),
    timedOut: count(at.timed_out),
    cancelled: count(at.cancelled),
    late: count(at.late),
    queueFull: count(at.queue_full),
    restarts: count(at.restarts),
    reloads: count(at.reloads),
    streams: count(at.streams),
    bytesIn: count(at.bytes_in),
    bytesOut: count(at.bytes_out),
    inFlight: bytes.readUInt32LE(at.in_flight),
    workers: bytes.readUInt32LE(at.workers),
    queued: bytes.readUInt32LE(at.queued),
    transport: bytes.readInt32LE(at.process) ? "process" : "thread",
    up: bytes.readInt32LE(at.up) !== 0,
  };
}

/** `resty_ffi_method_stats` of native/loop/host.h. */
export function decodeMethodStats(bytes: Buffer): MethodStats {
  const { at } = METHOD_STATS;
  const count = counter(bytes);
  const errors = Object.fromEntries(ERROR_KINDS.map((kind, index) => [kind, count(at.errors + 8 * index)]));
  return {
    calls: count(at.calls),
    answered: count(at.answered),
    bytesIn: count(at.bytes_in),
    bytesOut: count(at.bytes_out),
    inFlight: count(at.in_flight),
    errors: errors as Record<ErrorKind, number>,
    took: count(at.took_us) / 1000,
    histogram: Array.from({ length: BUCKETS }, (_, index) => ({
      below: index === BUCKETS - 1 ? Number.POSITIVE_INFINITY : FIRST * 2 ** index,
      calls: count(at.took + 8 * index),
    })),
  };
}
