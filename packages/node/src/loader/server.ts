import { AsyncResource } from "node:async_hooks";
import type { Buffer } from "node:buffer";
import { setTimeout as delay } from "node:timers/promises";
import { inspect, types } from "node:util";
import { RestyFfiError, Status } from "@resty-ffi/error";
import koffi, { type node as koffiNode } from "koffi";
import type { Log } from "../log.js";
import type { Answer, Definition, Handler, UnloadHandler } from "../runtime.js";
import type { StreamHandler } from "../stream.js";
import { ActiveCall } from "./active_call.js";
import { ActiveStream } from "./active_stream.js";
import { BATCH, Flag, Frames, Kind } from "./frames.js";
import type { Queue } from "./library.js";
import type { Outbox } from "./outbox.js";
import type { DictRequests } from "./remote_dict.js";
import { allocate } from "./requests.js";

/** How many batches are handled in a row before timers and sockets are served. */
const BATCHES = 16;
/** How long handlers may take to stop at an unload. */
const UNLOAD_MS = 1000;
/** How long an unload handler may take to stop after its signal is aborted. */
const OBEDIENCE_MS = 100;

interface Method {
  readonly name: string;
  /** For a stream, a handler that refuses plain calls; so calls need not check the kind of method. */
  readonly handler: Handler | undefined;
  readonly stream: StreamHandler | undefined;
}

/** Takes frames from the queue, passes calls to their handlers and the answers to the outbox. */
export class Server {
  readonly #queue: Queue;
  readonly #outbox: Outbox;
  readonly #dict: DictRequests;
  readonly #log: Log;
  readonly #runtime: Definition;
  readonly #frames = new Frames();
  readonly #methods: Method[] = [];
  /** The context in which the runtime was loaded; the context of each call derives from it. */
  readonly #context = new AsyncResource("RESTY_FFI");
  /** The unanswered calls whose handlers returned a promise. */
  readonly #calls = new Map<bigint, ActiveCall>();
  /** How many handlers have not settled, including those of cancelled calls. */
  #running = 0;
  #unloading = false;
  #idle: (() => void) | undefined;
  /** Needs a reference: a garbage collection would otherwise end the waiting silently. */
  #waiting: koffiNode.PollHandle | undefined;

  constructor(queue: Queue, outbox: Outbox, dict: DictRequests, log: Log, runtime: Definition) {
    this.#queue = queue;
    this.#outbox = outbox;
    this.#dict = dict;
    this.#log = log;
    this.#runtime = runtime;
  }

  start(): void {
    this.#waiting = koffi.node.poll(this.#queue.descriptor, { readable: true }, this.#readable);
    this.#pump();
  }

  readonly #readable = (): void => {
    try {
      this.#pump();
    } catch (error) {
      // koffi drops errors of a callback, but a process that has lost frames must end.
      setImmediate(() => {
        throw error;
      });
    }
  };

  /** Restores the runtime's context: koffi calls back in one that is shared with all other code. */
  readonly #pump = (): void => this.#context.runInAsyncScope(this.#drain, this);

  #drain(): void {
    const { bytes } = this.#frames;
    for (let batch = 0; batch < BATCHES; batch++) {
      const n = this.#queue.poll(bytes, BATCH);
      if (n === 0) return;
      if (n < 0) {
        if (!this.#unloading) void this.#unload();
        return;
      }
      for (let i = 0; i < n; i++) this.#take(i);
      this.#outbox.flush();
    }
    // The descriptor signals new frames only after the queue has been seen empty.
    setImmediate(this.#pump);
  }

  #take(i: number): void {
    const frames = this.#frames;
    const id = frames.id(i);
    switch (frames.kind(i)) {
      case Kind.CALL:
        this.#call(i, id);
        return;
      case Kind.DATA: {
        const stream = this.#calls.get(id);
        const flags = frames.flags(i);
        if (stream instanceof ActiveStream) {
          stream.push(flags & Flag.NIL ? null : this.#bytes(i), (flags & Flag.END) !== 0);
        }
        break;
      }
      case Kind.WINDOW: {
        const stream = this.#calls.get(id);
        if (stream instanceof ActiveStream) stream.grant(frames.arg(i));
        break;
      }
      case Kind.CANCEL:
        this.#cancel(id);
        break;
      case Kind.DICT: {
        const value = frames.flags(i) & Flag.NIL ? null : this.#bytes(i);
        this.#dict.answered(id, frames.status(i), value);
        break;
      }
    }
    this.#outbox.release(frames.payload(i), frames.length(i));
  }

  #call(i: number, id: bigint): void {
    const frames = this.#frames;
    const flags = frames.flags(i);
    const number = frames.method(i);
    const deadline = frames.deadline(i);
    const window = frames.arg(i);
    const method = this.#methods[number] ?? this.#method(number);
    const request = flags & Flag.NIL || !method.handler ? null : this.#bytes(i);
    this.#outbox.release(frames.payload(i), frames.length(i));

    if (!method.handler) {
      this.#outbox.answer(id, Status.NO_METHOD, this.#unknown(method.name));
      return;
    }
    if (window !== 0) {
      const stream = new ActiveStream(id, method.name, deadline, window, request, this.#outbox);
      if (flags & Flag.END) stream.push(null, true);
      stream.runInAsyncScope(this.#open, this, stream, method.stream, method.handler);
      return;
    }
    const call = new ActiveCall(id, method.name, deadline);
    call.runInAsyncScope(this.#run, this, call, method.handler, request);
  }

  // All code of the author runs in the context of the call, including the `then` of what a handler returns.

  #open(stream: ActiveStream, serve: StreamHandler | undefined, handler: Handler): void {
    this.#later(stream, serve ? stream.run(serve) : stream.once(handler));
  }

  #run(call: ActiveCall, handler: Handler, request: Buffer | null): void {
    try {
      const result = handler(request, call);
      if (isPromise(result)) this.#later(call, result);
      else this.#answer(call, result);
    } catch (error) {
      this.#failed(call, error);
    }
  }

  #method(number: number): Method {
    const name = this.#queue.method(number);
    const stream = this.#runtime.streams.get(name);
    const handler = stream ? () => refuse(name) : (this.#runtime.handlers.get(name) ?? this.#runtime.fallback);
    const method = { name, handler, stream };
    this.#methods[number] = method;
    return method;
  }

  #unknown(name: string): string {
    const names = [...this.#runtime.handlers.keys(), ...this.#runtime.streams.keys()].join(", ");
    return `runtime "${this.#queue.name}" has no method "${name}"; it has: ${names}`;
  }

  /** A copy of the payload: the handler may keep it. */
  #bytes(i: number): Buffer {
    const length = this.#frames.length(i);
    const bytes = allocate(length);
    if (length > 0) {
      const { memory, memoryAddress } = this.#queue;
      bytes.set(new Uint8Array(memory, this.#frames.address(i) - memoryAddress, length));
    }
    return bytes;
  }

  #later(call: ActiveCall, result: PromiseLike<Answer>): void {
    this.#calls.set(call.id, call);
    this.#running++;
    result.then(
      (answer) => {
        if (this.#settled(call)) this.#answer(call, answer);
      },
      (error: unknown) => {
        if (this.#settled(call)) this.#failed(call, error);
      },
    );
  }

  /** Returns whether the call is still unanswered. */
  #settled(call: ActiveCall): boolean {
    if (--this.#running === 0) this.#idle?.();
    this.#outbox.schedule();
    // The id alone does not suffice: after a cancellation the host may give it to another call.
    if (this.#calls.get(call.id) !== call) return false;
    this.#calls.delete(call.id);
    return true;
  }

  #answer(call: ActiveCall, answer: Answer): void {
    if (typeof answer === "string" || answer === null || answer === undefined || isBytes(answer)) {
      this.#outbox.answer(call.id, 0, answer);
      return;
    }
    const what = `method "${call.method}" answered with a value of type ${typeof answer}`;
    this.#failed(call, new TypeError(`${what}; a handler answers bytes, a string or null`));
  }

  #failed(call: ActiveCall, error: unknown): void {
    const { code, text } = failure(error, call);
    this.#outbox.answer(call.id, code, text);
    if (code === Status.THREW) this.#log.error('method "%s" threw %s', call.method, shown(error));
  }

  /** Answers a cancelled call at once: a handler that ignores its signal must not keep the call open. */
  #cancel(id: bigint): void {
    const call = this.#calls.get(id);
    if (!call) return;
    this.#calls.delete(id);
    this.#outbox.answer(id, Status.CANCELLED, null);
    call.abort();
  }

  async #unload(): Promise<void> {
    this.#unloading = true;
    const hooks = this.#runtime.unload;
    const left = hooks.length > 0 ? this.#queue.finish(true) : 0;
    const end = performance.now() + left;
    for (const call of this.#calls.values()) call.abort();
    const settled = new Promise<void>((resolve) => {
      this.#idle = resolve;
      if (this.#running === 0) resolve();
    });
    await Promise.race([settled, delay(hooks.length > 0 ? Math.min(UNLOAD_MS, left / 2) : UNLOAD_MS)]);

    for (const id of this.#calls.keys()) {
      this.#outbox.answer(id, Status.UNLOADED, `runtime "${this.#queue.name}" was unloaded before it had answered`);
    }
    this.#calls.clear();
    this.#dict.close();
    this.#outbox.flush();
    if (hooks.length > 0) await this.#finish(hooks, end);
    this.#outbox.flush();
    this.#waiting?.close();
    this.#queue.close();
    process.exit(0);
  }

  /** Runs the unload handlers of the author, the last registered first, until `end`. */
  async #finish(hooks: readonly UnloadHandler[], end: number): Promise<void> {
    const over = new AbortController();
    const left = Math.max(0, end - performance.now());
    const all = async () => {
      for (const hook of [...hooks].reverse()) {
        try {
          await hook(over.signal);
        } catch (error) {
          this.#log.error("an unload handler failed: %s", describe(error));
        }
      }
      return true;
    };
    const late = async () => {
      await delay(left);
      over.abort();
      await delay(OBEDIENCE_MS); // handlers that react to the signal end in this time
      return false;
    };
    if (!(await Promise.race([all(), late()]))) {
      this.#log.error("an unload handler has not ended in its time (drain_timeout, worker_shutdown_timeout)");
    }
    this.#queue.finish(false);
  }
}

const isBytes = (value: unknown): value is Uint8Array => types.isUint8Array(value);

function isPromise(result: Answer | PromiseLike<Answer>): result is PromiseLike<Answer> {
  return typeof result === "object" && result !== null && !isBytes(result) && typeof result.then === "function";
}

function refuse(name: string): never {
  throw new RestyFfiError(`"${name}" is a stream: open it with resty_ffi.stream`, Status.BAD_ARGUMENT);
}

/** The answer to a call whose handler threw `error`. Inspecting an arbitrary value may throw again. */
function failure(error: unknown, call: ActiveCall): { code: number; text: string } {
  try {
    if (error instanceof RestyFfiError) return { code: error.code, text: String(error.message) };
    if (call.aborted && error === call.signal.reason) {
      return { code: Status.CANCELLED, text: `cancelled: method "${call.method}" was told to stop` };
    }
  } catch {}
  return { code: Status.THREW, text: describe(error) };
}

/** `name: message` of an error, or a description of any other value. */
export function describe(error: unknown): string {
  try {
    if (error instanceof Error) return `${error.name}: ${error.message}`;
    return typeof error === "string" ? error : inspect(error, { depth: 1 });
  } catch {
    return "an error that cannot be shown";
  }
}

/** The error with its stack, for the log. */
function shown(error: unknown): string {
  try {
    return inspect(error);
  } catch {
    return describe(error);
  }
}
