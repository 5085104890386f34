import { Buffer } from "node:buffer";
import type { Call } from "./call.js";
import { CANCELLED, TIMEOUT } from "./codes.js";
import { RestyFfiError } from "./error.js";
import { Host } from "./host.js";
import { type CallOptions, checkCallOptions, shown } from "./options.js";

/** A request: bytes (copied before the call returns), text (sent as UTF-8), or null for no request at all. */
export type Request = Uint8Array | string | null;

/** A method of a runtime. Resolves to the answer, null if there is none at all; rejects with a RestyFfiError. */
export type Method = (request?: Request, options?: CallOptions) => Promise<Buffer | null>;

/** What a runtime has done so far. */
export interface Stats {
  /** Calls sent. */
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
  inFlight: number;
  workers: number;
  transport: "thread" | "process";
  /** Whether calls are accepted. */
  up: boolean;
}

const STATS_BYTES = 80;
/** An empty request has an address: NULL would be none at all. */
const EMPTY = Buffer.alloc(1);

/** A runtime as the core knows it. */
export class Loaded {
  readonly name: string;
  readonly #host: Host;
  readonly #address: number;
  readonly #timeout: number;
  readonly #methods = new Map<string, number>();

  constructor(host: Host, address: number, timeout: number) {
    this.#host = host;
    this.#address = address;
    this.#timeout = timeout;
    this.name = host.native.name(address);
  }

  call(method: string, request?: Request, options?: CallOptions): Promise<Buffer | null> {
    // An error thrown in here rejects the promise.
    return new Promise((resolve, reject) => {
      if (options !== undefined) checkCallOptions(options);
      const timeout = options?.timeout ?? this.#timeout;
      const signal = options?.signal;
      const bytes = toBytes(request);
      const host = this.#host;
      if (host.closed) throw Host.ended(this.name);
      if (signal?.aborted) throw this.#cancelled(signal);
      const number = this.#method(method);
      const call = host.takeCall();
      this.#submit(call, number, bytes, timeout);
      host.hold();

      let timer: NodeJS.Timeout | undefined;
      const end = () => {
        if (timer !== undefined) clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        host.release();
        host.giveCall(call);
      };
      const giveUp = (status: number, error: () => RestyFfiError) => {
        // An answer that is here already counts.
        host.run();
        if (call.settle !== settle) return;
        host.native.callCancel(call.address, status);
        end();
        reject(error());
      };
      const abort = () => giveUp(CANCELLED, () => this.#cancelled(signal as AbortSignal));
      const settle = () => {
        if (call.inFlight) {
          end();
          reject(Host.ended(this.name));
          return;
        }
        const { status } = call;
        const answer = call.answer();
        host.native.callRelease(call.address);
        end();
        if (status === 0) resolve(answer);
        else
          reject(new RestyFfiError(answer?.toString() || `runtime "${this.name}" failed with code ${status}`, status));
      };
      call.settle = settle;
      if (timeout > 0) timer = setTimeout(giveUp, timeout, TIMEOUT, () => this.#explained(TIMEOUT));
      signal?.addEventListener("abort", abort);
    });
  }

  #submit(call: Call, method: number, bytes: Uint8Array | null, timeout: number): void {
    const { native } = this.#host;
    const data = bytes?.length === 0 ? EMPTY : bytes;
    const code = native.callSubmit(this.#address, call.address, method, data, bytes?.length ?? 0, Math.ceil(timeout));
    if (code === 0) return;
    this.#host.giveCall(call);
    throw this.#explained(code);
  }

  /** The core's number of a method's name. */
  #method(name: string): number {
    let number = this.#methods.get(name);
    if (number === undefined) {
      const bytes = Buffer.from(name);
      number = this.#host.native.method(this.#address, bytes, bytes.length) as number;
      if (number < 0) throw this.#explained(number);
      this.#methods.set(name, number);
    }
    return number;
  }

  #explained(code: number): RestyFfiError {
    return new RestyFfiError(this.#host.native.explain(this.#address, code), code);
  }

  #cancelled(signal: AbortSignal): RestyFfiError {
    return new RestyFfiError(`cancelled: the caller of runtime "${this.name}" gave up`, CANCELLED, {
      cause: signal.reason,
    });
  }

  unload(): void {
    if (this.#host.closed) return;
    this.#host.native.unload(this.#address);
    this.#host.run();
  }

  stats(): Stats {
    if (this.#host.closed) throw Host.ended(this.name);
    const bytes = Buffer.alloc(STATS_BYTES);
    this.#host.native.stats(this.#address, bytes);
    const count = (index: number) => Number(bytes.readBigUInt64LE(8 * index));
    return {
      calls: count(0),
      answered: count(1),
      failed: count(2),
      timedOut: count(3),
      cancelled: count(4),
      late: count(5),
      queueFull: count(6),
      restarts: count(7),
      inFlight: bytes.readUInt32LE(64),
      workers: bytes.readUInt32LE(68),
      transport: bytes.readInt32LE(72) ? "process" : "thread",
      up: bytes.readInt32LE(76) !== 0,
    };
  }
}

function toBytes(request: unknown): Uint8Array | null {
  if (request === undefined || request === null) return null;
  if (typeof request === "string") return Buffer.from(request);
  if (request instanceof Uint8Array) return request;
  throw new TypeError(`call: the request must be a Uint8Array, a string or null, not ${shown(request)}`);
}
