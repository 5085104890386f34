import type { Runtime } from "@resty-ffi/node";
import { Kafka, type LogEntry, logLevel } from "kafkajs";
import type { Config } from "./config.js";

/** Gives up after two seconds: long enough for a leader to be elected, shorter than callers wait. */
export const RETRY = { initialRetryTime: 100, maxRetryTime: 1000, retries: 4 };

/** What all connections have in common. Nothing is connected here. */
export function createClient({ brokers }: Config, runtime: Runtime): Kafka {
  return new Kafka({
    clientId: "resty-ffi",
    brokers,
    connectionTimeout: 1000,
    requestTimeout: 10_000,
    retry: RETRY,
    // Errors are answered to the caller; other messages are of little interest.
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => runtime.log.info(lineOf(entry)),
  });
}

function lineOf({ namespace, log }: LogEntry): string {
  return `kafkajs, ${namespace}: ${log.message}`;
}

/** Connects at the first use. After a failed connection the next use tries again. */
export class Connected<Connection extends { connect(): Promise<void>; disconnect(): Promise<void> }> {
  readonly #connection: Connection;
  #connected: Promise<Connection> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get(): Promise<Connection> {
    this.#connected ??= this.#connect();
    return this.#connected;
  }

  async #connect(): Promise<Connection> {
    try {
      await this.#connection.connect();
      return this.#connection;
    } catch (error) {
      this.#connected = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#connected) await this.#connection.disconnect();
  }
}

/** What the promise gives, or the reason of the signal if that comes first: kafkajs cannot be told to stop. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
