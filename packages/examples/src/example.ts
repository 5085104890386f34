import {
  type CallOptions,
  call,
  load,
  RestyFfiError,
  type Runtime,
  type Stream,
  stats,
  stream,
  unload,
} from "@resty-ffi/host";
import { builtOf, type Language, type Name } from "./places.ts";

/** What a call or a stream failed with. */
export interface Failure {
  code: number;
  message: string;
}

/** For how long a message is waited for that is expected to come. */
const PATIENCE_MS = 120_000;

/** An example that is loaded into this process, and spoken to in JSON. */
export class Example {
  readonly #rt: Runtime;

  private constructor(rt: Runtime) {
    this.#rt = rt;
  }

  static async load(language: Language, name: Name, config: unknown): Promise<Example> {
    const { lib, cfg, env, options } = builtOf(language, name);
    Object.assign(process.env, env);
    const text = typeof config === "string" ? config : config === undefined ? "" : JSON.stringify(config);
    const key = `${cfg}${text}` || null;
    return new Example(await load(lib, key, { loadTimeout: 60_000, drainTimeout: 500, ...options }));
  }

  /** Sends text, or anything else as JSON; undefined sends nothing. */
  async call(method: string, request?: unknown, options: CallOptions = {}): Promise<unknown> {
    const answer = await call(this.#rt, method, encode(request), { timeout: PATIENCE_MS, ...options });
    return JSON.parse(String(answer));
  }

  /** The answer as it is. */
  async raw(method: string, request: Buffer | string | null): Promise<Buffer | null> {
    return call(this.#rt, method, request);
  }

  stream(method: string, first?: unknown, options: CallOptions = {}): Messages {
    return new Messages(stream(this.#rt, method, encode(first), options));
  }

  get inFlight(): number {
    return stats(this.#rt).inFlight;
  }

  unload(): void {
    unload(this.#rt);
  }
}

/** A stream of JSON. */
export class Messages {
  readonly #stream: Stream;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  send(message: unknown): Promise<void> {
    return this.#stream.send(encode(message) ?? "");
  }

  closeSend(): void {
    this.#stream.closeSend();
  }

  close(): void {
    this.#stream.close();
  }

  /** The next message, null at the end. One that does not come is an error. */
  async next(): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`No message has come for ${PATIENCE_MS / 1000} s.`)), PATIENCE_MS);
    });
    try {
      const message = await Promise.race([this.#stream.receive(), late]);
      return message === null ? null : JSON.parse(String(message));
    } finally {
      clearTimeout(timer);
    }
  }

  async take(count: number): Promise<unknown[]> {
    const messages: unknown[] = [];
    while (messages.length < count) {
      const message = await this.next();
      if (message === null) throw new Error(`The stream ended after ${messages.length} messages.`);
      messages.push(message);
    }
    return messages;
  }

  /** All that come until the end. */
  async rest(): Promise<unknown[]> {
    const messages: unknown[] = [];
    for (let message = await this.next(); message !== null; message = await this.next()) messages.push(message);
    return messages;
  }
}

function encode(value: unknown): string | null {
  if (value === undefined) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What the promise is rejected with, which must be an answer of the runtime or of its host. */
export async function failure(promise: Promise<unknown>): Promise<Failure> {
  const outcome = await promise.then(
    (value) => `It did not fail, but answered ${JSON.stringify(value)}.`,
    (error: unknown) => error,
  );
  if (!(outcome instanceof RestyFfiError)) throw outcome instanceof Error ? outcome : new Error(String(outcome));
  return { code: outcome.code, message: outcome.message };
}

/** Tries again until it succeeds, as a caller may after a failure. */
export async function eventually<T>(what: () => Promise<T>, ms = PATIENCE_MS): Promise<T> {
  const late = performance.now() + ms;
  for (;;) {
    try {
      return await what();
    } catch (error) {
      if (!(error instanceof RestyFfiError) || performance.now() > late) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** How long it takes, in ms. */
export async function duration(what: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await what.catch(() => undefined);
  return performance.now() - start;
}
