import { type CallOptions, Client, credentials, Metadata } from "@grpc/grpc-js";
import type { Call } from "@resty-ffi/node";
import { authenticate, type Rpc } from "./api.js";
import type { Config } from "./config.js";
import { failure, isLost, isStranger } from "./failure.js";

const CHANNEL = {
  // An etcd that comes back is found within a second, and one that has gone silent is given up after 15.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
};
const AUTHENTICATE_MS = 5000;

const codec = <Answer>(rpc: Rpc<Answer>) => [rpc.path, rpc.requestSerialize, rpc.responseDeserialize] as const;

/** The connection to etcd: to one endpoint, until that fails. Connects when the first call comes. */
export class Etcd {
  readonly #config: Config;
  readonly #clients: readonly Client[];
  #current = 0;
  #token: Promise<string> | undefined;

  constructor(config: Config) {
    this.#config = config;
    this.#clients = config.endpoints.map((endpoint) => new Client(endpoint, credentials.createInsecure(), CHANNEL));
  }

  /** A request and an answer. */
  async call<Answer>(rpc: Rpc<Answer>, request: object, call: Call): Promise<Answer> {
    try {
      return await this.#unary(rpc, request, await this.#metadata(), optionsOf(call), call.signal).catch((error) => {
        if (!this.#config.user || !isStranger(error)) throw error;
        this.forgetToken();
        return this.#metadata().then((token) => this.#unary(rpc, request, token, optionsOf(call), call.signal));
      });
    } catch (error) {
      throw failure(error, call);
    }
  }

  /** A request and its answers, as fast as they are taken. Fails with errors of grpc-js: some are worth another try. */
  async *stream<Answer>(rpc: Rpc<Answer>, request: object, call: Call): AsyncGenerator<Answer, void> {
    const metadata = await this.#metadata();
    const client = this.#client;
    const stream = client.makeBidiStreamRequest(...codec(rpc), metadata, optionsOf(call));
    const cancel = () => stream.cancel();
    call.signal.addEventListener("abort", cancel);
    stream.on("error", () => {}); // a cancelled RPC says so once more, when nobody listens any longer
    try {
      stream.write(request);
      for await (const answer of stream) yield answer;
    } catch (error) {
      this.#failed(client, error);
      throw error;
    } finally {
      call.signal.removeEventListener("abort", cancel);
      stream.cancel();
    }
  }

  /** Makes the next request authenticate again. */
  forgetToken(): void {
    this.#token = undefined;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  get #client(): Client {
    return this.#clients[this.#current] as Client;
  }

  /** Another endpoint may do better. */
  #failed(client: Client, error: unknown): void {
    if (client === this.#client && isLost(error)) this.#current = (this.#current + 1) % this.#clients.length;
  }

  async #metadata(): Promise<Metadata> {
    const metadata = new Metadata();
    const { user: name, password } = this.#config;
    if (!name) return metadata;
    // One for all: the calls that wait for it meanwhile get the same.
    this.#token ??= this.#authenticate({ name, password });
    metadata.set("token", await this.#token);
    return metadata;
  }

  async #authenticate(request: object): Promise<string> {
    const options = { deadline: Date.now() + AUTHENTICATE_MS };
    try {
      return (await this.#unary(authenticate, request, new Metadata(), options)).token;
    } catch (error) {
      this.forgetToken();
      throw error;
    }
  }

  #unary<Answer>(
    rpc: Rpc<Answer>,
    request: object,
    metadata: Metadata,
    options: CallOptions,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const client = this.#client;
    return new Promise((resolve, reject) => {
      const running = client.makeUnaryRequest(...codec(rpc), request, metadata, options, (error, answer) => {
        if (answer !== undefined) return resolve(answer);
        this.#failed(client, error);
        reject(error);
      });
      signal?.addEventListener("abort", () => running.cancel(), { once: true });
    });
  }
}

function optionsOf(call: Call): CallOptions {
  return call.deadline ? { deadline: call.deadline } : {};
}
