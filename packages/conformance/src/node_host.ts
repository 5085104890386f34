import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { close, configure, load, call as nodeCall, RestyFfiError, type Runtime, stats, unload } from "@resty-ffi/host";
import { type Answer, count, type Host, type Line, type Loaded, type LoadOptions, type Storm } from "./host.js";

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

  async stats() {
    return stats(this.#rt);
  }

  async unload(): Promise<void> {
    unload(this.#rt);
  }
}

/** This process as a host. The runtimes' variables become its own, as they would be a program's. */
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
      new NodeLoaded(await load(lib, cfg, options)),
    log: () => lines,
    settle: async () => {
      globalThis.gc?.();
    },
    close: () => close(5000),
  };
}
