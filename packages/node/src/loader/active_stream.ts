import type { Buffer } from "node:buffer";
import { types } from "node:util";
import { RestyFfiError, Status } from "@resty-ffi/error";
import type { Answer, Handler } from "../runtime.js";
import type { Message, Requests, StreamHandler } from "../stream.js";
import { ActiveCall } from "./active_call.js";
import { LEAST_COST, MAX_PAYLOAD } from "./frames.js";
import type { Outbox } from "./outbox.js";

type Result = IteratorResult<Buffer, undefined>;

interface Receiver {
  resolve(result: Result): void;
  reject(reason: unknown): void;
}

const end: Result = { done: true, value: undefined };

/** `resty_ffi_cost`: what a message takes from the window. */
const cost = (length: number) => Math.max(length, LEAST_COST);

/** A stream that a handler works on: it queues the caller's messages and sends those of the handler. */
export class ActiveStream extends ActiveCall {
  readonly #outbox: Outbox;
  /** Bytes that may be sent. The last message may exceed them. */
  #window: number;
  #granted: (() => void) | undefined;
  /** Half of the caller's window, and the bytes that the handler has consumed since the last WINDOW frame. */
  readonly #half: number;
  #due = 0;
  readonly #messages: Buffer[] = [];
  readonly #receivers: Receiver[] = [];
  /** Whether the message that came with the call, which costs nothing, is still queued. */
  #first: boolean;
  /** The caller has closed its direction. */
  #closed = false;

  constructor(id: bigint, method: string, deadline: number, window: number, first: Buffer | null, outbox: Outbox) {
    super(id, method, deadline);
    this.#outbox = outbox;
    this.#window = window;
    this.#half = window / 2;
    this.#first = first !== null;
    if (first) this.#messages.push(first);
  }

  /** Adds a message of the caller (`null` = none); `last` says whether it was the last. */
  push(message: Buffer | null, last: boolean): void {
    if (message) this.#messages.push(message);
    this.#closed ||= last;
    while (this.#receivers.length > 0) {
      const result = this.#take();
      if (!result) return;
      this.#receivers.shift()?.resolve(result);
    }
  }

  grant(bytes: number): void {
    this.#window += bytes;
    if (this.#window > 0) this.#granted?.();
  }

  override abort(): void {
    super.abort();
    this.#messages.length = 0;
    this.#granted?.();
    for (const receiver of this.#receivers.splice(0)) receiver.reject(this.signal.reason);
  }

  /** Resolves at the end of the stream, rejects with what the handler threw. */
  async run(handler: StreamHandler): Promise<null> {
    const messages = handler(this.#requests(), this);
    if (!isIterable(messages)) {
      throw new TypeError(`method "${this.method}" is a stream, but its handler returned no generator or iterable`);
    }
    for await (const message of messages) {
      if (this.#window <= 0) await this.#writable();
      if (this.aborted) break;
      this.#send(message);
    }
    if (this.aborted) throw this.signal.reason;
    return null;
  }

  /** Runs a plain handler: it gets the first message, and its answer is the only one. */
  async once(handler: Handler): Promise<Answer> {
    const { value } = await this.#next();
    return handler(value ?? null, this);
  }

  #requests(): Requests {
    const requests: Requests = { next: () => this.#next(), [Symbol.asyncIterator]: () => requests };
    return requests;
  }

  #next(): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.aborted) throw this.signal.reason;
      const result = this.#receivers.length === 0 ? this.#take() : undefined;
      if (result) resolve(result);
      else this.#receivers.push({ resolve, reject });
    });
  }

  /** Returns undefined if no message has arrived yet. */
  #take(): Result | undefined {
    const message = this.#messages.shift();
    if (!message) return this.#closed ? end : undefined;
    if (this.#first) this.#first = false;
    else this.#consumed(cost(message.length));
    return { done: false, value: message };
  }

  #consumed(bytes: number): void {
    this.#due += bytes;
    if (this.#due < this.#half || this.#closed) return;
    this.#outbox.window(this.id, this.#due);
    this.#due = 0;
  }

  /** Resolves when the window has room, or the call is cancelled. */
  async #writable(): Promise<void> {
    while (this.#window <= 0 && !this.aborted) {
      await new Promise<void>((resolve) => {
        this.#granted = resolve;
      });
    }
    this.#granted = undefined;
  }

  #send(message: Message): void {
    if (typeof message !== "string" && !types.isUint8Array(message)) {
      const what = `method "${this.method}" sent a value of type ${typeof message}`;
      throw new TypeError(`${what}; a stream's messages are bytes or strings`);
    }
    if (message.length > MAX_PAYLOAD) {
      throw new RestyFfiError(`a message of method "${this.method}" is above the limit of 128 MB`, Status.TOO_LARGE);
    }
    this.#window -= cost(this.#outbox.message(this.id, message));
  }
}

/**
 * Excludes strings and bytes: they are iterable, but a handler that returns one hardly means a message per character.
 */
function isIterable(value: unknown): value is AsyncIterable<Message> | Iterable<Message> {
  if (typeof value !== "object" || value === null || types.isUint8Array(value)) return false;
  return Symbol.asyncIterator in value || Symbol.iterator in value;
}
