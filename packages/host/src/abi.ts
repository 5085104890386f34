/*
 * The part of native/loop/host.h that this host uses: constants, and sizes and offsets of structs in bytes.
 * test/contract.test.ts compares them with the header as the C compiler sees it.
 */

export const CallState = { IDLE: 0, IN_FLIGHT: 1, DONE: 2 } as const;

/** What resty_ffi_stream_next returns. */
export const StreamNext = { NOTHING: 0, MESSAGE: 1, ENDED: 2 } as const;

/** What resty_ffi_stream_send returns when the window is used up. */
export const AGAIN = 1;

/** The values of a flag among the options. */
export const Said = { UNSAID: 0, YES: 1, NO: 2 } as const;

/** No time limit. An option of 0 means that no limit was given. */
export const FOREVER = 0xffffffff;

/** How many counters of errors and of durations a method has. */
export const KINDS = 12;
export const BUCKETS = 20;

export const CALL = {
  size: 40,
  at: { user: 0, data: 8, len: 16, status: 24, nil: 28, state: 32, stream: 36 },
} as const;

export const OPTIONS = {
  size: 80,
  at: {
    size: 0,
    max_queue: 4,
    workers: 8,
    load_timeout_ms: 12,
    drain_ms: 16,
    timeout_ms: 20,
    isolate: 24,
    global: 25,
    unpin: 26,
    restart: 27,
    watch: 28,
    files: 32,
    cpus: 36,
    memory: 40,
    dicts: 48,
    user: 56,
    env: 64,
    settings: 72,
  },
} as const;

export const STATS = {
  size: 120,
  at: {
    calls: 0,
    answered: 8,
    failed: 16,
    timed_out: 24,
    cancelled: 32,
    late: 40,
    queue_full: 48,
    restarts: 56,
    reloads: 64,
    streams: 72,
    bytes_in: 80,
    bytes_out: 88,
    in_flight: 96,
    workers: 100,
    queued: 104,
    process: 108,
    up: 112,
  },
} as const;

export const METHOD_STATS = {
  size: 304,
  at: { calls: 0, answered: 8, bytes_in: 16, bytes_out: 24, errors: 32, took: 128, took_us: 288, in_flight: 296 },
} as const;
