import { type Service, startEtcd, startGrpcServer, startKafka } from "@resty-ffi/services";

const STARTS = { grpc: startGrpcServer, etcd: startEtcd, kafka: startKafka };

export type ServerName = keyof typeof STARTS;

/** The real servers that cells share. Only the owner of this object stops them. */
export class Servers {
  readonly #started = new Map<ServerName, Promise<Service>>();

  /** Returns the server, which the first call starts. */
  get(name: ServerName): Promise<Service> {
    const started = this.#started.get(name) ?? STARTS[name]();
    this.#started.set(name, started);
    return started;
  }

  /** Stops all servers. A server that did not start has nothing to stop. */
  async stop(): Promise<void> {
    const started = await Promise.allSettled(this.#started.values());
    this.#started.clear();
    await Promise.all(started.map((result) => result.status === "fulfilled" && result.value.stop()));
  }
}
