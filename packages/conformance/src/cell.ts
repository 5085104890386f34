import type { Host, Loaded, LoadOptions } from "./host.js";
import { nginxHost } from "./nginx_host.js";
import { nodeHost } from "./node_host.js";
import { configured, type Language, type Runtime, runtimeOf } from "./places.js";

export type HostKind = "node" | "nginx";
export type Transport = "thread" | "process";

/** An environment variable of every cell's host. */
export const HOSTS_OWN = { RESTY_FFI_HOSTS_OWN: "the host's own" };

/** One language on one host over one transport, with its conformance runtime loaded. */
export class Cell {
  readonly language: Language;
  readonly transport: Transport;
  readonly host: Host;
  readonly runtime: Runtime;
  /** The runtime of dist/conformance.json. Cases that leave it unchanged share it. */
  readonly rt: Loaded;

  private constructor(language: Language, transport: Transport, host: Host, runtime: Runtime, rt: Loaded) {
    this.language = language;
    this.transport = transport;
    this.host = host;
    this.runtime = runtime;
    this.rt = rt;
  }

  static async open(language: Language, kind: HostKind, transport: Transport): Promise<Cell> {
    const runtime = runtimeOf(language);
    const host = await (kind === "node" ? nodeHost : nginxHost)({ ...runtime.env, ...HOSTS_OWN });
    try {
      const rt = await host.load(runtime.lib, runtime.cfg, { isolate: transport === "process", loadTimeout: 60_000 });
      return new Cell(language, transport, host, runtime, rt);
    } catch (error) {
      await host.close();
      throw error;
    }
  }

  /** Loads another runtime of the same library, with this text as its configuration. */
  another(text: string, options: LoadOptions = {}): Promise<Loaded> {
    return this.host.load(this.runtime.lib, configured(this.language, text), {
      isolate: this.transport === "process",
      loadTimeout: 60_000,
      ...options,
    });
  }
}
