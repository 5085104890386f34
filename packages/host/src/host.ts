import { RestyFfiError, Status } from "@resty-ffi/error";
import koffi, { type node as koffiNode } from "koffi";
import { Call } from "./call.js";
import { bind, cString, type Native } from "./library.js";
import { type LogHandler, levelName, logToStderr } from "./log.js";

const BATCH = 64;

/** The event loop of this thread as a host: a pull host of the core, whose descriptor wakes the loop. */
export class Host {
  readonly native: Native;
  readonly loop: number;
  readonly #pull: number;
  /** Needs a strong reference: a garbage collection would otherwise end the wake-ups silently. */
  readonly #poll: koffiNode.PollHandle;
  readonly #done = new Uint32Array(2 * BATCH);
  readonly #calls = new Map<number, Call>();
  readonly #idle: Call[] = [];
  readonly #events = new Int32Array(1);
  readonly #streams = new Map<number, Call>();
  readonly #idleStreams: Call[] = [];
  readonly #onExit = () => this.#end(1000);
  #activity: (() => void)[] = [];
  #busy = 0;
  /** The number of streams that have not been given back. */
  #open = 0;
  closed = false;

  constructor(library?: string) {
    this.native = bind(library);
    const error = Buffer.alloc(512);
    this.#pull = this.native.pullNew(error, error.length);
    if (!this.#pull) throw new Error(`The host could not be set up: ${cString(error)}`);
    this.loop = this.native.pullLoop(this.#pull);
    this.#poll = koffi.node.poll(this.native.pullFd(this.#pull), { readable: true }, () => this.run());
    this.#poll.unref();
    process.once("exit", this.#onExit);
  }

  /** Keeps the program alive until `release` has been called as often. */
  hold(): void {
    if (this.#busy++ === 0) this.#poll.ref();
  }

  release(): void {
    if (--this.#busy === 0 && !this.closed) this.#poll.unref();
  }

  takeCall(): Call {
    const idle = this.#idle.pop();
    if (idle) return idle;
    const call = new Call(this.native, this.native.callNew(this.loop));
    this.#calls.set(call.address, call);
    return call;
  }

  giveCall(call: Call): void {
    call.settle = undefined;
    this.#idle.push(call);
  }

  takeStream(): Call {
    const call = this.#idleStreams.pop() ?? new Call(this.native, this.native.pullCallNew(this.#pull));
    this.#streams.set(call.address, call);
    this.#open++;
    return call;
  }

  giveStream(call: Call): void {
    this.#open--;
    call.settle = undefined;
    if (this.closed) return;
    this.native.callRelease(call.address);
    this.#idleStreams.push(call);
  }

  /** Handles everything that is due. Also called after functions that may have received answers. */
  run(): void {
    if (this.closed) return;
    const { native } = this;
    let n: number;
    do {
      native.pullRun(this.#pull, 0);
      n = native.pullDone(this.#pull, this.#done, BATCH);
      for (let i = 0; i < n; i++) {
        const address = (this.#done[2 * i] ?? 0) + (this.#done[2 * i + 1] ?? 0) * 2 ** 32;
        this.#calls.get(address)?.settle?.();
      }
      if (this.#open > 0) this.#tell();
    } while (n > 0);
    const waiting = this.#activity;
    if (waiting.length > 0) {
      this.#activity = [];
      for (const wake of waiting) wake();
    }
    this.#logs();
  }

  #tell(): void {
    for (;;) {
      const address: number = this.native.pullStream(this.#pull, this.#events);
      if (address === 0) return;
      this.#streams.get(address)?.settle?.();
    }
  }

  #logs(): void {
    const text: [string | null] = [null];
    for (;;) {
      const level: number = this.native.pullLog(this.#pull, text, [0]);
      if (level === 0) return;
      settings.onLog(levelName(level), text[0] ?? "");
    }
  }

  /** Resolves after the next event, or after `ms`. */
  async activity(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#activity.push(resolve);
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }

  async close(timeout: number): Promise<void> {
    const end = performance.now() + timeout;
    while (this.#busy > 0 && performance.now() < end) await this.activity(Math.max(1, end - performance.now()));
    this.#end(Math.max(0, end - performance.now()));
  }

  #end(timeout: number): void {
    if (this.closed) return;
    this.run();
    this.closed = true;
    process.removeListener("exit", this.#onExit);
    this.#poll.close();
    // Callers that still wait are told: their answers can no longer arrive.
    for (const calls of [this.#calls, this.#streams]) for (const call of calls.values()) call.settle?.();
    for (const call of this.#calls.values()) this.native.callFree(call.address);
    for (const call of this.#streams.values()) this.native.pullCallFree(call.address);
    this.native.pullClose(this.#pull, Math.ceil(timeout));
  }

  /** The error of a call that was in flight when the host was closed. */
  static ended(name: string): RestyFfiError {
    return new RestyFfiError(`unloaded: the host of runtime "${name}" was closed; load it again`, Status.UNLOADED);
  }
}

/** Settings for all runtimes of a program. */
export interface Settings {
  /**
   * The path of libresty_ffi.so or of its folder. Default: `RESTY_FFI_LIB`, a checkout's build, dlopen's search path.
   */
  library?: string;
  /** Receives the log lines of runtimes. Default: writes them to standard error. */
  onLog?: LogHandler;
}

const settings: { library: string | undefined; onLog: LogHandler } = { library: undefined, onLog: logToStderr };
let current: Host | undefined;

/**
 * Changes the settings for all runtimes of this program. Only the first {@link load} reads `library`.
 *
 * @example
 * ```ts
 * configure({ onLog: (level, text) => logger.log({ level, text }) });
 * ```
 */
export function configure({ library, onLog }: Settings): void {
  if (onLog !== undefined && typeof onLog !== "function") throw new TypeError("configure: onLog must be a function");
  if (library !== undefined && typeof library !== "string") {
    throw new TypeError("configure: library must be the path of libresty_ffi.so");
  }
  if (library !== undefined && current && !current.closed && library !== settings.library) {
    throw new Error("configure: set library before the first load, or after close()");
  }
  settings.library = library ?? settings.library;
  settings.onLog = onLog ?? settings.onLog;
}

export function currentHost(): Host {
  if (!current || current.closed) current = new Host(settings.library);
  return current;
}

/**
 * Ends all runtimes of this program. New calls are refused; calls in flight may finish within `timeout` ms, and after
 * that fail with `UNLOADED`. Then it blocks until the threads and processes of the runtimes have ended, at most for the
 * rest of that time. Runtimes can be loaded again afterwards. A program that exits closes its host by itself.
 */
export async function close(timeout = 2000): Promise<void> {
  const host = current;
  if (host && !host.closed) await host.close(timeout);
}
