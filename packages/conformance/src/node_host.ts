import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  close,
  configure,
  load,
  call as nodeCall,
  RestyFfiError,
  type Runtime,
  reload,
  type Stream,
  send,
  stats,
  stream,
  unload,
} from "@resty-ffi/host";
import {
  type Answer,
  count,
  type Host,
  type Line,
  type Loaded,
  type LoadOptions,
  type Step,
  type Storm,
  type Streamed,
} from "./host.js";

async function take(open: Stream, step: Step, seen: Streamed): Promise<void> {
  const receive = async (): Promise<boolean> => {
    const message = await open.receive();
    if (message === null) {
      seen.status = 0;
      return false;
    }
    seen.count++;
    seen.bytes += message.length;
    if (seen.texts.length < 100) seen.texts.push(message.subarray(0, 64).toString());
    return true;
  };
  switch (step.do) {
    case "send": {
      const message = step.size === undefined ? (step.text ?? "") : Buffer.alloc(step.size, "x");
      for (let i = 0; i < (step.times ?? 1); i++) await open.send(message);
      break;
    }
    case "recv":
      for (let i = 0; i < (step.times ?? 1) && (await receive()); i++);
      break;
    case "drain":
      while (await receive()) {
        // V8 sees the small object, not the 64 KB behind it.
        if (step.pause && seen.count % 16 === 0) globalThis.gc?.();
        if (step.pause) await delay(step.pause);
      }
      break;
    case "closeSend":
      open.closeSend();
      break;
    case "close":
      open.close();
      break;
    case "sleep":
      await delay(step.ms);
  }
}

class NodeLoaded implements Loaded {
  readonly #rt: Runtime;

  constructor(rt: Runtime) {
    this.#rt = rt;
  }

  async call(
    method: string,
    request?: Buffer | string | null,
    options?: { timeout?: number; signal?: AbortSignal },
  ): Promise<Answer> {
    try {
      return { ok: true, body: await nodeCall(this.#rt, method, request, options) };
    } catch (error) {
      if (!(error instanceof RestyFfiError)) throw error;
      return { ok: false, code: error.code, message: error.message };
    }
  }

  async abandon(method: string, ms: number): Promise<void> {
    const abort = new AbortController();
    const answer = this.call(method, null, { timeout: 60_000, signal: abort.signal });
    await delay(ms);
    abort.abort();
    await answer;
  }

  async send(method: string, request: string): Promise<void> {
    send(this.#rt, method, request);
  }

  async storm({ calls, inFlight, largest }: Storm): Promise<Record<string, number>> {
    const plain = randomBytes(largest);
    const flipped = plain.map((byte) => byte ^ 0x5a);
    const found: Record<string, number> = {};
    let left = calls;
    const worker = async () => {
      while (left-- > 0) {
        const size = randomInt(left % 50 === 0 ? largest : Math.min(largest, 4096));
        const from = randomInt(largest - size + 1);
        const answer = await this.call("xor", plain.subarray(from, from + size), { timeout: 60_000 });
        if (!answer.ok) count(found, answer.code);
        else count(found, answer.body?.equals(flipped.subarray(from, from + size)) ? "ok" : "wrong");
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return found;
  }

  async burst(method: string, request: string, calls: number): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    const answers = Array.from({ length: calls }, () => this.call(method, request, { timeout: 60_000 }));
    for (const answer of await Promise.all(answers)) count(found, answer.ok ? "ok" : answer.code);
    return found;
  }

  async timeOut(calls: number, inFlight: number, timeout: number): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    let left = calls;
    const worker = async () => {
      while (left-- > 0) {
        const answer = await this.call("never", null, { timeout });
        count(found, answer.ok ? "ok" : answer.code);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return found;
  }

  async stream(
    method: string,
    first: string | null,
    steps: Step[],
    options: { timeout?: number; signal?: AbortSignal } = {},
  ): Promise<Streamed> {
    const seen: Streamed = { count: 0, bytes: 0, texts: [], status: null, message: "" };
    let open: Stream | undefined;
    try {
      open = stream(this.#rt, method, first, options);
      for (const step of steps) await take(open, step, seen);
    } catch (error) {
      if (!(error instanceof RestyFfiError)) throw error;
      seen.status = error.code;
      seen.message = error.message;
    }
    open?.close();
    return seen;
  }

  async cancelHalfWay(method: string, first: string, streams: number): Promise<void> {
    for (let i = 0; i < streams; i++) {
      const open = stream(this.#rt, method, first);
      await open.receive();
      open.close();
    }
  }

  async reloadUnderLoad(reloads: number, inFlight: number, ms: number): Promise<Record<string, number>> {
    const found: Record<string, number> = { sent: 0, answered: 0, reloads: 0 };
    let on = true;
    const worker = async () => {
      while (on) {
        count(found, "sent");
        const answer = await this.call("xor", "reload", { timeout: 60_000 });
        count(found, answer.ok ? "answered" : answer.code);
      }
    };
    const workers = Array.from({ length: inFlight }, worker);
    for (let i = 0; i < reloads; i++) {
      const start = performance.now();
      await reload(this.#rt);
      count(found, "reloads");
      await delay(Math.max(0, ms / reloads - (performance.now() - start)));
    }
    on = false;
    await Promise.all(workers);
    return found;
  }

  reload(): Promise<void> {
    return reload(this.#rt);
  }

  async stats() {
    return stats(this.#rt);
  }

  async unload(): Promise<void> {
    unload(this.#rt);
  }
}

/** This process as a host. It takes over the environment variables of the runtimes, like a program with this host. */
export async function nodeHost(env: Record<string, string>): Promise<Host> {
  Object.assign(process.env, env);
  const lines: Line[] = [];
  configure({ onLog: (level, text) => lines.push({ level, text }) });
  return {
    kind: "node",
    pid: process.pid,
    levels: ["crit", "error", "warn", "notice", "info", "debug"],
    unlimited: true,
    load: async (lib: string, cfg: string | null, options?: LoadOptions) =>
      new NodeLoaded(await load(lib, cfg, { dicts: ["shared", "other"], ...options })),
    log: () => lines,
    settle: async () => {
      globalThis.gc?.();
    },
    close: () => close(5000),
  };
}
