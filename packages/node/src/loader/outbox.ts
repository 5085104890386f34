import { Buffer } from "node:buffer";
import koffi from "koffi";
import type { Answer } from "../runtime.js";
import { BATCH, Flag, Frames, Kind } from "./frames.js";
import type { Queue } from "./library.js";

const ARENA = 1 << 20;
/** Longer payloads are copied by C straight from the handler's memory. */
const SHORT = 16 << 10;
/** Payloads up to this size may wait to be freed along with a frame that is sent. */
const KEEP = 4 << 10;
const KEEP_COUNT = 4 * BATCH;

/**
 * Gathers frames to the host and sends them by one call of the library. Short payloads are written into memory whose
 * address C knows, so none of them costs a crossing of its own.
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

  /** The last frame of a call. */
  answer(id: bigint, status: number, answer: Answer): void {
    if (answer === null || answer === undefined) {
      this.#next(id, Kind.DATA, Flag.END | Flag.NIL, status);
      this.#count++;
    } else {
      this.#next(id, Kind.DATA, Flag.END | Flag.COPY, status);
      this.#add(answer);
    }
  }

  /** A line of the log goes at once: it has to be there if what follows hangs or crashes. */
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

  /** One message of a stream; returns its length in bytes. */
  message(id: bigint, message: string | Uint8Array): number {
    this.#next(id, Kind.DATA, Flag.COPY, 0);
    const length = this.#add(message);
    this.#scheduleLast();
    return length;
  }

  /** So many bytes more of the stream are welcome. */
  window(id: bigint, bytes: number): void {
    this.#frames.setArg(this.#next(id, Kind.WINDOW, 0, 0), bytes);
    this.#count++;
    this.#scheduleLast();
  }

  /** A file that the runtime's code comes from. */
  watch(path: string): void {
    this.#next(0n, Kind.WATCH, Flag.COPY, 0);
    this.#add(path);
  }

  /** Takes back a polled payload of that length. */
  release(payload: bigint, length: number): void {
    if (payload === 0n) return;
    if (length > KEEP || this.#releases.length >= KEEP_COUNT) this.#queue.free(payload);
    else this.#releases.push(payload);
  }

  /** Sends once the microtasks that wait now have run, so that promises which settle together share one batch. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Sends when no microtask is left: between the messages of a generator lie several of them. */
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

  /** Completes the frame begun by #next with its payload; returns the payload's length. */
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
    // At once: from here on its owner may change it.
    this.flush();
    return length;
  }
}
