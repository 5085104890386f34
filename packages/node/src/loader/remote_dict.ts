import { Buffer } from "node:buffer";
import { RestyFfiError, Status } from "@resty-ffi/error";
import type { Dict, TimeToLive } from "../dict.js";
import { DictOp } from "./frames.js";
import type { Outbox } from "./outbox.js";

interface Waiting {
  resolve(value: Buffer | null): void;
  reject(error: RestyFfiError): void;
}

const nothing = Buffer.alloc(0);
const bytesOf = (value: string | Uint8Array) => (typeof value === "string" ? Buffer.from(value) : value);

/** The pending requests to the host's shared dicts, by the number in their frames. */
export class DictRequests {
  readonly #outbox: Outbox;
  readonly #waiting = new Map<bigint, Waiting>();
  #last = 0n;
  #closed = false;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  ask(op: number, zone: Buffer, key: string, value: Uint8Array, ttl: number): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new RestyFfiError(unloaded, Status.UNLOADED);
      this.#waiting.set(++this.#last, { resolve, reject });
      this.#outbox.dict(this.#last, op, zone, Buffer.from(key), value, ttl);
    });
  }

  /** Handles an answer of the host; `value` is null for a missing key. */
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
}

/** One of the host's shared dicts; the name `""` stands for the default dict. */
export class RemoteDict implements Dict {
  readonly #requests: DictRequests;
  readonly #zone: Buffer;

  constructor(requests: DictRequests, name = "") {
    this.#requests = requests;
    this.#zone = Buffer.from(name);
  }

  named(name: string): Dict {
    return new RemoteDict(this.#requests, name);
  }

  get(key: string): Promise<Buffer | null> {
    return this.#ask(DictOp.GET, key);
  }

  async set(key: string, value: string | Uint8Array, options?: TimeToLive): Promise<void> {
    await this.#ask(DictOp.SET, key, bytesOf(value), options);
  }

  async add(key: string, value: string | Uint8Array, options?: TimeToLive): Promise<boolean> {
    return (await this.#ask(DictOp.ADD, key, bytesOf(value), options)) !== null;
  }

  async incr(key: string, by = 1, options?: TimeToLive): Promise<number> {
    if (!Number.isFinite(by)) throw new RangeError(`"${key}" cannot be incremented by ${by}; give a finite number.`);
    return Number(await this.#ask(DictOp.INCR, key, Buffer.from(String(by)), options));
  }

  async delete(key: string): Promise<void> {
    await this.#ask(DictOp.DELETE, key);
  }

  async #ask(op: number, key: string, value: Uint8Array = nothing, { ttl = 0 }: TimeToLive = {}) {
    if (!Number.isSafeInteger(ttl) || ttl < 0) {
      throw new RangeError(`The time to live of "${key}" is ${ttl}; give whole milliseconds, or 0 for ever.`);
    }
    return this.#requests.ask(op, this.#zone, key, value, ttl);
  }
}

const unloaded = "The shared dict is gone: the runtime has been unloaded.";
