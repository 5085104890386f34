import { Buffer } from "node:buffer";

/** The kinds, flags and operations of resty_ffi.h. */
export const Kind = { CALL: 1, DATA: 2, CANCEL: 3, WINDOW: 4, LOG: 5, DICT: 6, WATCH: 7 } as const;
export const Flag = { END: 1, NIL: 2, COPY: 4 } as const;
export const DictOp = { GET: 1, SET: 2, INCR: 3, DELETE: 4, ADD: 5 } as const;

/** The largest payload in bytes. */
export const MAX_PAYLOAD = 128 << 20;
/** The cost of the smallest message in a stream's window. */
export const LEAST_COST = 256;

/** How many frames one call of the library carries. */
export const BATCH = 64;

export const FRAME_BYTES = 64;
const HIGH = 2 ** 32;

/**
 * A batch of frames in memory that C reads and writes. The fields of frame `i` start at `words[16 * i]` and
 * `longs[8 * i]`: all platforms that this package supports are little-endian.
 */
export class Frames {
  // Not from Buffer's pool: the views need an offset that is a multiple of 8.
  readonly bytes = Buffer.allocUnsafeSlow(BATCH * FRAME_BYTES).fill(0);
  readonly words = new Uint32Array(this.bytes.buffer);
  readonly longs = new BigUint64Array(this.bytes.buffer);

  id(i: number): bigint {
    return this.longs[8 * i] as bigint;
  }

  kind(i: number): number {
    return (this.words[16 * i + 2] as number) & 0xffff;
  }

  flags(i: number): number {
    return (this.words[16 * i + 2] as number) >>> 16;
  }

  status(i: number): number {
    return (this.words[16 * i + 3] as number) | 0;
  }

  payload(i: number): bigint {
    return this.longs[8 * i + 2] as bigint;
  }

  /** The address of the payload as a number. */
  address(i: number): number {
    return this.number(16 * i + 4);
  }

  length(i: number): number {
    return this.number(16 * i + 6);
  }

  /** In nanoseconds of CLOCK_MONOTONIC, rounded to the precision of a number; 0 = none. */
  deadline(i: number): number {
    return this.number(16 * i + 8);
  }

  method(i: number): number {
    return this.words[16 * i + 10] as number;
  }

  /** CALL: the window of the stream, 0 = a plain call. WINDOW: its bytes. */
  arg(i: number): number {
    return this.number(16 * i + 12);
  }

  /** Sets these fields, and all others to 0. */
  set(i: number, id: bigint, kind: number, flags: number, status: number, release: bigint): void {
    const { words, longs } = this;
    longs[8 * i] = id;
    words[16 * i + 2] = kind | (flags << 16);
    words[16 * i + 3] = status;
    longs[8 * i + 2] = 0n;
    longs[8 * i + 3] = 0n;
    longs[8 * i + 4] = 0n;
    longs[8 * i + 5] = 0n;
    longs[8 * i + 6] = 0n;
    longs[8 * i + 7] = release;
  }

  setPayload(i: number, address: number, length: number): void {
    this.setNumber(16 * i + 4, address);
    this.setNumber(16 * i + 6, length);
  }

  setArg(i: number, value: number): void {
    this.setNumber(16 * i + 12, value);
  }

  setDict(i: number, op: number, zoneLength: number, keyLength: number, ttl: number): void {
    this.setNumber(16 * i + 8, ttl);
    this.words[16 * i + 10] = op;
    this.words[16 * i + 11] = zoneLength;
    this.setArg(i, keyLength);
  }

  private number(word: number): number {
    return (this.words[word + 1] as number) * HIGH + (this.words[word] as number);
  }

  private setNumber(word: number, value: number): void {
    this.words[word] = value % HIGH;
    this.words[word + 1] = value / HIGH;
  }
}
