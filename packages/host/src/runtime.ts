import { Buffer } from "node:buffer";
import { RestyFfiError, Status } from "@resty-ffi/error";
import { METHOD_STATS, STATS } from "./abi.js";
import type { Call } from "./call.js";
import { Host } from "./host.js";
import { cString } from "./library.js";
import { type CallOptions, checkCallOptions, checkSendOptions, type SendOptions } from "./options.js";
import { EMPTY, type Request, toBytes } from "./request.js";
import { decodeMethodStats, decodeStats, type MethodStats, type Stats } from "./stats.js";
import { Stream } from "./stream.js";

/** A method of a runtime. Resolves to the answer, or to null for nil; rejects with a RestyFfiError. */
export type Method = (request?: Request, options?: CallOptions) => Promise<Buffer | null>;

/** A runtime of the core. */
export class Loaded {
  readonly name: string;
  readonly host: Host;
  readonly #address: number;
  readonly #timeout: number;
  readonly #methods = new Map<string, number>();

  constructor(host: Host, address: number, timeout: number) {
    this.host = host;
    this.#address = address;
    this.#timeout = timeout;
    this.name = host.native.name(address);
  }

  call(method: string, request?: Request, options?: CallOptions): Promise<Buffer | null> {
    // An error that is thrown here rejects the promise.
    return new Promise((resolve, reject) => {
      if (options !== undefined) checkCallOptions(options);
      const timeout = options?.timeout ?? this.#timeout;
      const signal = options?.signal;
      const bytes = toBytes(request);
      const host = this.host;
      if (host.closed) throw Host.ended(this.name);
      if (signal?.aborted) throw this.cancelled(signal);
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
        // An answer that has already arrived counts.
        host.run();
        if (call.settle !== settle) return;
        host.native.callCancel(call.address, status);
        end();
        reject(error());
      };
      const abort = () => giveUp(Status.CANCELLED, () => this.cancelled(signal as AbortSignal));
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
      if (timeout > 0) timer = setTimeout(giveUp, timeout, Status.TIMEOUT, () => this.explained(Status.TIMEOUT));
      signal?.addEventListener("abort", abort);
    });
  }

  send(method: string, request: Request | undefined, options: SendOptions): void {
    checkSendOptions(options);
    const { host } = this;
    const bytes = toBytes(request);
    if (host.closed) throw Host.ended(this.name);
    const data = bytes?.length === 0 ? EMPTY : bytes;
    const timeout = Math.ceil(options.timeout ?? this.#timeout);
    const code: number = host.native.send(this.#address, this.#method(method), data, bytes?.length ?? 0, timeout);
    if (code !== 0) throw this.explained(code);
  }

  stream(method: string, first: Request | undefined, options: CallOptions): Stream {
    checkCallOptions(options, "stream");
    const { host } = this;
    const { timeout = 0, signal } = options;
    const bytes = toBytes(first, "stream: the first message");
    if (host.closed) throw Host.ended(this.name);
    if (signal?.aborted) throw this.cancelled(signal);
    const number = this.#method(method);
    const call = host.takeStream();
    const data = bytes?.length === 0 ? EMPTY : bytes;
    const { streamOpen } = host.native;
    const code: number = streamOpen(
      this.#address,
      call.address,
      number,
      data,
      bytes?.length ?? 0,
      false,
      Math.ceil(timeout),
    );
    if (code !== 0) {
      host.giveStream(call);
      throw this.explained(code);
    }
    return new Stream(this, call, method, options);
  }

  #submit(call: Call, method: number, bytes: Uint8Array | null, timeout: number): void {
    const { native } = this.host;
    const data = bytes?.length === 0 ? EMPTY : bytes;
    const code = native.callSubmit(this.#address, call.address, method, data, bytes?.length ?? 0, Math.ceil(timeout));
    if (code === 0) return;
    this.host.giveCall(call);
    throw this.explained(code);
  }

  /** The number that the core gives to a method name. */
  #method(name: string): number {
    let number = this.#methods.get(name);
    if (number === undefined) {
      const bytes = Buffer.from(name);
      number = this.host.native.method(this.#address, bytes, bytes.length) as number;
      if (number < 0) throw this.explained(number);
      this.#methods.set(name, number);
    }
    return number;
  }

  explained(code: number): RestyFfiError {
    return new RestyFfiError(this.host.native.explain(this.#address, code), code);
  }

  cancelled(signal: AbortSignal): RestyFfiError {
    return new RestyFfiError(`cancelled: the caller of runtime "${this.name}" gave up`, Status.CANCELLED, {
      cause: signal.reason,
    });
  }

  unload(): void {
    if (this.host.closed) return;
    this.host.native.unload(this.#address);
    this.host.run();
  }

  async reload(): Promise<void> {
    const { host } = this;
    if (host.closed) throw Host.ended(this.name);
    const code: number = host.native.reload(this.#address);
    host.run();
    if (code !== 0) throw this.explained(code);
    const error = Buffer.alloc(2048);
    host.hold();
    try {
      for (;;) {
        if (host.closed) throw Host.ended(this.name);
        const state: number = host.native.reloadWait(this.#address, 0, error, error.length);
        host.run();
        if (state > 0) return;
        if (state < 0) throw new RestyFfiError(cString(error), Status.EXITED);
        await host.activity(20);
      }
    } finally {
      host.release();
    }
  }

  methodStats(): Map<string, MethodStats> {
    if (this.host.closed) throw Host.ended(this.name);
    const bytes = Buffer.alloc(METHOD_STATS.size);
    const found = new Map<string, MethodStats>();
    for (let number = 0; ; number++) {
      const name: string | null = this.host.native.methodStats(this.#address, number, bytes);
      if (name === null) return found;
      found.set(name, decodeMethodStats(bytes));
    }
  }

  stats(): Stats {
    if (this.host.closed) throw Host.ended(this.name);
    const bytes = Buffer.alloc(STATS.size);
    this.host.native.stats(this.#address, bytes);
    return decodeStats(bytes);
  }
}
