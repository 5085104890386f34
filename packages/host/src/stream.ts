import { Buffer } from "node:buffer";
import { RestyFfiError, Status } from "@resty-ffi/error";
import { AGAIN, StreamNext } from "./abi.js";
import type { Call } from "./call.js";
import { Host } from "./host.js";
import type { CallOptions } from "./options.js";
import { EMPTY, toBytes } from "./request.js";

/** What a stream needs from its runtime. */
interface Owner {
  readonly name: string;
  readonly host: Host;
  explained(code: number): RestyFfiError;
  cancelled(signal: AbortSignal): RestyFfiError;
}

interface Receiver {
  resolve(message: Buffer | null): void;
  reject(error: unknown): void;
}

interface Sender {
  bytes: Uint8Array;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * A call that carries many messages in each direction. A window of 256 KB per direction bounds the messages that have
 * not been received yet: the handler waits while the caller does not receive, and the caller's `send` waits for the
 * handler.
 *
 * @example
 * ```ts
 * const chat = stream(rt, "chat");
 * await chat.send("hello");
 * chat.closeSend();
 * for await (const message of chat) console.log(String(message)); // leaving the loop cancels the stream
 * ```
 */
export class Stream implements AsyncIterable<Buffer> {
  readonly #owner: Owner;
  readonly #call: Call;
  readonly #method: string;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #receivers: Receiver[] = [];
  readonly #senders: Sender[] = [];
  #sendClosed = false;
  #ended = false;
  #error: RestyFfiError | undefined;

  /** @internal `call` has been opened as a stream. */
  constructor(owner: Owner, call: Call, method: string, { timeout = 0, signal }: CallOptions) {
    this.#owner = owner;
    this.#call = call;
    this.#method = method;
    this.#signal = signal;
    call.settle = () => this.#look();
    owner.host.hold();
    if (timeout > 0)
      this.#timer = setTimeout(() => this.#giveUp(Status.TIMEOUT, () => owner.explained(Status.TIMEOUT)), timeout);
    signal?.addEventListener("abort", this.#abort);
  }

  /**
   * Sends a message. Resolves when the window has room for it: await it to keep memory bounded.
   *
   * @throws RestyFfiError if the stream has ended or failed, or after closeSend()
   */
  send(message: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = toBytes(message, "send: the message", false);
      if (this.#ended || this.#sendClosed) throw this.#sendError();
      if (this.#senders.length === 0 && this.#transmit(bytes)) resolve();
      else this.#senders.push({ bytes: Buffer.from(bytes), resolve, reject });
    });
  }

  /** Tells the handler that no further message follows. The handler can still send messages. */
  closeSend(): void {
    if (this.#sendClosed || this.#ended) return;
    this.#sendClosed = true;
    this.#flush();
  }

  /**
   * Receives the next message; null at the end.
   *
   * @throws RestyFfiError if the stream has failed, with the handler's code and message, or was cancelled
   */
  receive(): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      const message = this.#receivers.length === 0 ? this.#take() : undefined;
      if (message !== undefined) resolve(message);
      else this.#receivers.push({ resolve, reject });
    });
  }

  /** Cancels the stream unless it has ended: its handler is cancelled, and waiting operations fail with `CANCELLED`. */
  close(): void {
    if (this.#ended) return;
    this.#owner.host.native.callCancel(this.#call.address, Status.CANCELLED);
    this.#end(new RestyFfiError(`cancelled: ${this.#name} was closed by its caller`, Status.CANCELLED));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (let message = await this.receive(); message !== null; message = await this.receive()) yield message;
    } finally {
      this.close();
    }
  }

  get #name(): string {
    return `the stream "${this.#method}" of runtime "${this.#owner.name}"`;
  }

  /** The next message; null if the stream has ended well; undefined if no message has arrived yet. */
  #take(): Buffer | null | undefined {
    if (!this.#ended) {
      const next: number = this.#owner.host.native.streamNext(this.#call.address);
      if (next === StreamNext.NOTHING) return undefined;
      const { status } = this.#call;
      const bytes = this.#call.answer();
      if (next === StreamNext.MESSAGE) return bytes ?? Buffer.alloc(0);
      const text = () => bytes?.toString() || `${this.#name} failed with code ${status}`;
      this.#end(status === 0 ? undefined : new RestyFfiError(text(), status));
    }
    if (this.#error) throw this.#error;
    return null;
  }

  /** Sends without waiting. Returns false if the window is used up. */
  #transmit(bytes: Uint8Array): boolean {
    const { native } = this.#owner.host;
    const data = bytes.length === 0 ? EMPTY : bytes;
    const code: number = native.streamSend(this.#call.address, data, bytes.length, false);
    if (code === 0 || code === AGAIN) return code === 0;
    throw code === Status.UNLOADED ? this.#sendError() : this.#owner.explained(code);
  }

  #sendError(): RestyFfiError {
    if (this.#error) return this.#error;
    const why = this.#sendClosed && !this.#ended ? "is closed for sending" : "has ended";
    return new RestyFfiError(`${this.#name} ${why}`, Status.UNLOADED);
  }

  /** Handles an event: a message, the end, or a window. */
  #look(): void {
    if (this.#owner.host.closed) {
      this.#end(Host.ended(this.#owner.name));
      return;
    }
    this.#flush();
    try {
      while (this.#receivers.length > 0) {
        const message = this.#take();
        if (!message) return;
        this.#receivers.shift()?.resolve(message);
      }
    } catch {
      // #end has told all receivers.
    }
  }

  #flush(): void {
    for (let sender = this.#senders[0]; sender; sender = this.#senders[0]) {
      try {
        if (!this.#transmit(sender.bytes)) return;
        sender.resolve();
      } catch (error) {
        sender.reject(error);
      }
      this.#senders.shift();
    }
    if (this.#sendClosed) this.#owner.host.native.streamSend(this.#call.address, null, 0, true);
  }

  readonly #abort = (): void => {
    this.#giveUp(Status.CANCELLED, () => this.#owner.cancelled(this.#signal as AbortSignal));
  };

  #giveUp(status: number, error: () => RestyFfiError): void {
    // An end that has already arrived counts.
    this.#owner.host.run();
    if (this.#ended || !this.#call.inFlight) return;
    this.#owner.host.native.callCancel(this.#call.address, status);
    this.#end(error());
  }

  /** Afterwards the core's call belongs to another stream. */
  #end(error: RestyFfiError | undefined): void {
    this.#ended = true;
    this.#error = error;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#owner.host.giveStream(this.#call);
    this.#owner.host.release();
    for (const sender of this.#senders.splice(0)) sender.reject(this.#sendError());
    for (const receiver of this.#receivers.splice(0)) {
      if (error) receiver.reject(error);
      else receiver.resolve(null);
    }
  }
}
