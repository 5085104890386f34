import { Buffer } from "node:buffer";
import type { Core } from "./core.js";

/** A call that did not end well. */
export class CallError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What a stream needs of its host. */
interface Owner {
  readonly api: Core;
  readonly pull: number;
  /** Whom to wake when something has happened to a stream. */
  readonly streams: Map<number, () => void>;
  result(call: number): { status: number; data: Buffer | null };
}

const AGAIN = 1;
const MESSAGE = 1;

/** A stream as the core offers it, with promises for what has to wait. */
export class HostStream implements AsyncIterable<Buffer> {
  readonly #host: Owner;
  readonly #call: number;
  #news: (() => void)[] = [];

  constructor(host: Owner, rt: number, method: string, first: string | Uint8Array | null, timeout: number) {
    const { api } = host;
    this.#host = host;
    this.#call = api.newStream(host.pull);
    const bytes = first === null ? null : Buffer.from(first as Uint8Array);
    const number = api.method(rt, method, Buffer.byteLength(method));
    const data = bytes?.length === 0 ? Buffer.alloc(1) : bytes;
    const code = api.open(rt, this.#call, number, data, bytes?.length ?? 0, false, timeout);
    if (code !== 0) throw new CallError(code, api.explain(rt, code));
    host.streams.set(this.#call, () => {
      for (const wake of this.#news.splice(0)) wake();
    });
  }

  /** Whether the window allowed it. */
  trySend(message: string | Uint8Array): boolean {
    const bytes = Buffer.from(message as Uint8Array);
    const code = this.#host.api.send(this.#call, bytes.length === 0 ? Buffer.alloc(1) : bytes, bytes.length, false);
    if (code !== 0 && code !== AGAIN) throw new CallError(code, "not sent");
    return code === 0;
  }

  async send(message: string | Uint8Array): Promise<void> {
    while (!this.trySend(message)) await this.news();
  }

  closeSend(last: string | null = null): void {
    const bytes = last === null ? null : Buffer.from(last);
    this.#host.api.send(this.#call, bytes, bytes?.length ?? 0, true);
  }

  /** The next message, null at the end. */
  async receive(): Promise<Buffer | null> {
    for (;;) {
      const next = this.#host.api.next(this.#call);
      const { status, data } = next ? this.#host.result(this.#call) : { status: 0, data: null };
      if (next === MESSAGE) return data;
      if (next && status === 0) return null;
      if (next) throw new CallError(status, String(data));
      await this.news();
    }
  }

  /** Resolves when something has happened. */
  news(): Promise<void> {
    return new Promise((resolve) => {
      this.#news.push(resolve);
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    for (let message = await this.receive(); message; message = await this.receive()) yield message;
  }

  /** All that is left, as text. */
  async texts(): Promise<string[]> {
    const texts: string[] = [];
    for await (const message of this) texts.push(String(message));
    this.free();
    return texts;
  }

  cancel(status = -2): void {
    this.#host.api.cancel(this.#call, status);
    this.free();
  }

  free(): void {
    this.#host.streams.delete(this.#call);
    this.#host.api.freeStream(this.#call);
  }
}
