import { lua } from "@resty-ffi/nginx";
import type { Answer, Host, Loaded, LoadOptions, Stats, Step, Storm, Streamed } from "./host.js";
import { Nginx } from "./nginx/nginx.js";

/** `key=value` lines. */
function counts(text: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [, key = "", value] of text.matchAll(/^(.+)=(\d+)$/gm)) found[key] = Number(value);
  return found;
}

class NginxLoaded implements Loaded {
  readonly #nginx: Nginx;
  readonly #name: string;

  constructor(nginx: Nginx, name: string) {
    this.#nginx = nginx;
    this.#name = name;
  }

  async call(method: string, request?: Buffer | string | null, options?: { timeout?: number }): Promise<Answer> {
    const timeout = options?.timeout === undefined ? "" : `?timeout=${options.timeout / 1000}`;
    const nil = request === undefined || request === null;
    const { status, headers, body } = await this.#nginx.request("POST", `/call/${this.#name}/${method}${timeout}`, {
      ...(nil ? {} : { body: request }),
      headers: nil ? { "X-Nil": "1" } : {},
    });
    if (status !== 200) throw new Error(`nginx answered ${status}:\n${this.#nginx.errorLog().slice(-1500)}`);
    if (headers["x-ok"] === "1") return { ok: true, body: headers["x-nil"] ? null : body };
    return { ok: false, code: Number(headers["x-code"]), message: body.toString() };
  }

  async send(method: string, request: string): Promise<void> {
    const args = [method, request].map(lua).join(", ");
    const error = await this.#nginx.lua(
      `return select(3, require("resty.ffi").send(fixture.runtimes[${lua(this.#name)}], ${args}))`,
    );
    if (error) throw new Error(error);
  }

  abandon(method: string, ms: number): Promise<void> {
    return this.#nginx.abandon(`/call/${this.#name}/${method}?timeout=60`, ms);
  }

  async storm({ calls, inFlight, largest }: Storm): Promise<Record<string, number>> {
    return this.#run("storm", calls, inFlight, largest);
  }

  async burst(method: string, request: string, calls: number): Promise<Record<string, number>> {
    return this.#run("burst", method, request, calls);
  }

  async timeOut(calls: number, inFlight: number, timeout: number): Promise<Record<string, number>> {
    return this.#run("time_out", calls, inFlight, timeout / 1000);
  }

  async stats(): Promise<Stats> {
    const text = await this.#nginx.lua(`return fixture.stats(${lua(this.#name)})`);
    const found = counts(text);
    const number = (key: string) => found[key] ?? Number.NaN;
    return {
      calls: number("calls"),
      answered: number("answered"),
      failed: number("failed"),
      timedOut: number("timed_out"),
      cancelled: number("cancelled"),
      late: number("late"),
      queueFull: number("queue_full"),
      restarts: number("restarts"),
      reloads: number("reloads"),
      streams: number("streams"),
      inFlight: number("in_flight"),
      queued: number("queued"),
      transport: /^transport=(\w+)$/m.exec(text)?.[1] ?? "",
    };
  }

  async stream(
    method: string,
    first: string | null,
    steps: Step[],
    options: { timeout?: number } = {},
  ): Promise<Streamed> {
    const seconds = options.timeout === undefined ? undefined : options.timeout / 1000;
    const args = [this.#name, method, first ?? undefined, steps, seconds].map(lua).join(", ");
    return JSON.parse(await this.#nginx.lua(`return fixture.stream(${args})`)) as Streamed;
  }

  async cancelHalfWay(method: string, first: string, streams: number): Promise<void> {
    await this.#nginx.lua(`fixture.cancel_half_way(${[this.#name, method, first, streams].map(lua).join(", ")})`);
  }

  async reloadUnderLoad(reloads: number, inFlight: number, ms: number): Promise<Record<string, number>> {
    return this.#run("reload_under_load", reloads, inFlight, ms / 1000);
  }

  async reload(): Promise<void> {
    const error = await this.#nginx.lua(
      `local ok, err = require("resty.ffi").reload(fixture.runtimes[${lua(this.#name)}])\nreturn err`,
    );
    if (error) throw new Error(error);
  }

  async unload(): Promise<void> {
    await this.#nginx.lua(`assert(require("resty.ffi").unload(fixture.runtimes[${lua(this.#name)}]))`);
  }

  async #run(name: string, ...args: unknown[]): Promise<Record<string, number>> {
    return counts(await this.#nginx.lua(`return fixture.${name}(${[this.#name, ...args].map(lua).join(", ")})`));
  }
}

/** The options with their names in Lua. */
export function luaOptions(options: LoadOptions = {}): Record<string, unknown> {
  const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000);
  return {
    isolate: options.isolate,
    workers: options.workers,
    timeout: seconds(options.timeout),
    load_timeout: seconds(options.loadTimeout),
    max_queue: options.maxQueue,
    restart: options.restart,
    drain_timeout: seconds(options.drainTimeout),
    watch: options.watch,
    dicts: options.dicts ?? ["shared", "other"],
    limits: options.limits,
    env: options.env,
  };
}

export interface NginxHost extends Host {
  readonly nginx: Nginx;
}

/** An nginx with one worker, which loads a runtime at the first request for it. */
export async function nginxHost(env: Record<string, string>): Promise<NginxHost> {
  const nginx = await Nginx.start({ env });
  let loads = 0;
  return {
    kind: "nginx",
    nginx,
    get pid() {
      const [worker] = nginx.workers;
      if (!worker) throw new Error("nginx has no worker");
      return worker;
    },
    levels: ["crit", "error", "warn", "notice", "info"],
    unlimited: false,
    async load(lib: string, cfg: string | null, options?: LoadOptions) {
      const name = `rt${++loads}`;
      const args = [name, lib, cfg, luaOptions(options)].map(lua).join(", ");
      const error = await nginx.lua(`local rt, err = fixture.load(${args})\nreturn err`);
      if (error) throw new Error(error);
      return new NginxLoaded(nginx, name);
    },
    log: () => nginx.log(),
    settle: async () => {
      await nginx.lua(`collectgarbage() collectgarbage()`);
    },
    close: () => nginx.stop(),
  };
}
