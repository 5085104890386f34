import { type Service, startEtcd, startGrpcServer, startKafka } from "@resty-ffi/services";

const STARTS = { grpc: startGrpcServer, etcd: startEtcd, kafka: startKafka };

export type ServerName = keyof typeof STARTS;

/** The real servers that cells share. Nobody but the owner of this object stops them. */
export class Servers {
  readonly #started = new Map<ServerName, Promise<Service>>();

  /** Starts the server when it is asked for the first time. */
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
