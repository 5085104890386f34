import { Buffer } from "node:buffer";
import koffi from "koffi";
import type { Answer } from "../runtime.js";
import { BATCH, Flag, Frames, Kind } from "./frames.js";
import type { Queue } from "./library.js";

const ARENA = 1 << 20;
/** C copies longer payloads directly from the handler's memory. */
const SHORT = 16 << 10;
/** Payloads up to this size are freed together with a later frame. */
const KEEP = 4 << 10;
const KEEP_COUNT = 4 * BATCH;

/**
 * Collects frames for the host and sends them in one call of the library. Short payloads are written into memory whose
 * address C knows, so they need no foreign call of their own.
 */
export class Outbox {
  readonly #queue: Queue;
  readonly #frames = new Frames();
  readonly #arena = Buffer.allocUnsafeSlow(ARENA);
  readonly #arenaAddress = Number(koffi.address(this.#arena));
  readonly #releases: bigint[] = [];
  #count = 0;
  #used = 0;
  #scheduled = false;
  #scheduledLast = false;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** Adds the last frame of a call. */
  answer(id: bigint, status: number, answer: Answer): void {
    if (answer === null || answer === undefined) {
      this.#next(id, Kind.DATA, Flag.END | Flag.NIL, status);
      this.#count++;
    } else {
      this.#next(id, Kind.DATA, Flag.END | Flag.COPY, status);
      this.#add(answer);
    }
  }

  /** Sends a log line immediately: it must arrive even if the process hangs or crashes next. */
  log(level: number, text: string): void {
    this.#next(0n, Kind.LOG, Flag.COPY, level);
    this.#add(text);
    this.flush();
  }

  dict(id: bigint, op: number, zone: Buffer, key: Buffer, value: Uint8Array, ttl: number): void {
    const i = this.#next(id, Kind.DICT, Flag.COPY, 0);
    this.#frames.setDict(i, op, zone.length, key.length, ttl);
    this.#add(zone.length + value.length === 0 ? key : Buffer.concat([zone, key, value]));
    this.schedule();
  }

  /** Adds a message of a stream. Returns its length in bytes. */
  message(id: bigint, message: string | Uint8Array): number {
    this.#next(id, Kind.DATA, Flag.COPY, 0);
    const length = this.#add(message);
    this.#scheduleLast();
    return length;
  }

  /** Grants the caller of a stream this many more bytes. */
  window(id: bigint, bytes: number): void {
    this.#frames.setArg(this.#next(id, Kind.WINDOW, 0, 0), bytes);
    this.#count++;
    this.#scheduleLast();
  }

  /** Reports a file of the runtime's code, for the host to watch. */
  watch(path: string): void {
    this.#next(0n, Kind.WATCH, Flag.COPY, 0);
    this.#add(path);
  }

  /** Frees a polled payload of that length, now or together with a later frame. */
  release(payload: bigint, length: number): void {
    if (payload === 0n) return;
    if (length > KEEP || this.#releases.length >= KEEP_COUNT) this.#queue.free(payload);
    else this.#releases.push(payload);
  }

  /** Sends after the pending microtasks, so that promises which settle together share one batch. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Sends when no microtask is left: a generator needs several microtasks between two messages. */
  #scheduleLast(): void {
    if (this.#scheduledLast) return;
    this.#scheduledLast = true;
    process.nextTick(() => {
      this.#scheduledLast = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#count === 0) return;
    this.#queue.send(this.#frames.bytes, this.#count);
    this.#count = 0;
    this.#used = 0;
  }

  #next(id: bigint, kind: number, flags: number, status: number): number {
    if (this.#count === BATCH) this.flush();
    this.#frames.set(this.#count, id, kind, flags, status, this.#releases.pop() ?? 0n);
    return this.#count;
  }

  /** Adds the payload to the frame that #next has begun. Returns the length of the payload. */
  #add(payload: string | Uint8Array): number {
    return typeof payload === "string" ? this.#addText(payload) : this.#addBytes(payload);
  }

  #addText(text: string): number {
    const most = 3 * text.length;
    if (most > ARENA - this.#used) return this.#addBytes(Buffer.from(text));
    const length = this.#arena.write(text, this.#used);
    this.#frames.setPayload(this.#count++, this.#arenaAddress + this.#used, length);
    this.#used += length;
    return length;
  }

  #addBytes(bytes: Uint8Array): number {
    const { length } = bytes;
    if (length <= SHORT && length <= ARENA - this.#used) {
      this.#arena.set(bytes, this.#used);
      this.#frames.setPayload(this.#count++, this.#arenaAddress + this.#used, length);
      this.#used += length;
      return length;
    }
    this.#frames.setPayload(this.#count++, Number(koffi.address(bytes)), length);
    // Now, because the owner may change the bytes afterwards.
    this.flush();
    return length;
  }
}
