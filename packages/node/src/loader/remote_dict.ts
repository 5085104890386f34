import { Buffer } from "node:buffer";
import type { Dict } from "../dict.js";
import { RestyFfiError, Status } from "../error.js";
import { DictOp } from "./frames.js";
import type { Outbox } from "./outbox.js";

interface Waiting {
  resolve(value: Buffer | null): void;
  reject(error: RestyFfiError): void;
}

const nothing = Buffer.alloc(0);

/** The host's shared dict, over frames that carry a number of ours. */
export class RemoteDict implements Dict {
  readonly #outbox: Outbox;
  readonly #waiting = new Map<bigint, Waiting>();
  #last = 0n;
  #closed = false;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  get(key: string): Promise<Buffer | null> {
    return this.#ask(DictOp.GET, key, nothing);
  }

  async set(key: string, value: string | Uint8Array, { ttl = 0 }: { ttl?: number } = {}): Promise<void> {
    if (!Number.isSafeInteger(ttl) || ttl < 0) {
      throw new RangeError(`The time to live of "${key}" is ${ttl}; give whole milliseconds, or 0 for ever.`);
    }
    await this.#ask(DictOp.SET, key, typeof value === "string" ? Buffer.from(value) : value, ttl);
  }

  async incr(key: string, by = 1): Promise<number> {
    if (!Number.isFinite(by)) throw new RangeError(`"${key}" cannot be incremented by ${by}; give a finite number.`);
    return Number(await this.#ask(DictOp.INCR, key, Buffer.from(String(by))));
  }

  async delete(key: string): Promise<void> {
    await this.#ask(DictOp.DELETE, key, nothing);
  }

  /** An answer of the host; `value` is ours, and `null` for a missing key. */
  answered(id: bigint, status: number, value: Buffer | null): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    if (status === 0) waiting.resolve(value);
    else waiting.reject(new RestyFfiError(value?.toString() ?? "The shared dict gave no reason.", status));
  }

  close(): void {
    this.#closed = true;
    for (const id of this.#waiting.keys()) this.answered(id, Status.UNLOADED, Buffer.from(unloaded));
  }

  #ask(op: number, key: string, value: Uint8Array, ttl = 0): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new RestyFfiError(unloaded, Status.UNLOADED);
      this.#waiting.set(++this.#last, { resolve, reject });
      this.#outbox.dict(this.#last, op, Buffer.from(key), value, ttl);
    });
  }
}

const unloaded = "The shared dict is gone: the runtime has been unloaded.";
