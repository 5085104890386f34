import { type Handler, RestyFfiError } from "@resty-ffi/node";
import { type Kafka, type Message, Partitioners, type Producer } from "kafkajs";
import { z } from "zod";
import { Batches, type Entry } from "./batches.js";
import { Connected, untilAborted } from "./client.js";
import type { Config } from "./config.js";
import { Code, codeOf, failure } from "./failure.js";
import { parse } from "./request.js";

const Produce = z.strictObject({
  topic: z.string().min(1),
  value: z.string(),
  key: z.string().nullish(),
  headers: z.record(z.string(), z.string()).default({}),
  partition: z.int().min(0).optional(),
});

/** Where a record is now. */
interface Place {
  partition: number;
  /** -1 if the brokers were not asked (acks 0). */
  offset: number;
}

interface Outgoing extends Entry {
  readonly message: Message;
  resolve(place: Place): void;
  reject(error: unknown): void;
}

export class Records {
  readonly #config: Config;
  readonly #producer: Connected<Producer>;
  readonly #batches: Batches<Outgoing>;
  /** Messages for a partition that their topic does not have: kafkajs drops them without a word. */
  readonly #nowhere = new WeakSet<Message>();

  constructor(kafka: Kafka, config: Config) {
    this.#config = config;
    const createPartitioner = () => this.#partitioner();
    this.#producer = new Connected(kafka.producer({ allowAutoTopicCreation: false, createPartitioner }));
    this.#batches = new Batches(config.linger_ms, (topic, batch) => this.#send(topic, batch));
  }

  readonly produce: Handler = async (request, call) => {
    const { topic, value, key = null, headers, partition } = parse(Produce, request);
    const message: Message = { key, value, headers };
    if (partition !== undefined) message.partition = partition;
    const place = await untilAborted(this.#add(topic, message, request?.length ?? 0, call.signal), call.signal);
    return JSON.stringify({ topic, ...place });
  };

  close(): Promise<void> {
    return this.#producer.close();
  }

  #add(topic: string, message: Message, bytes: number, signal: AbortSignal): Promise<Place> {
    return new Promise((resolve, reject) => {
      const record = { message, bytes, resolve, reject };
      this.#batches.add(topic, record);
      signal.addEventListener("abort", () => this.#batches.remove(topic, record), { once: true });
    });
  }

  async #send(topic: string, batch: Outgoing[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      const producer = await this.#producer.get();
      const { acks, compression } = this.#config;
      const messages = batch.map(({ message }) => message);
      const answers = await producer.send({ topic, acks, compression, messages });
      const next = new Map(answers.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
      for (const record of batch) this.#sent(topic, record, next);
    } catch (error) {
      if (codeOf(error) === Code.MESSAGE_TOO_LARGE && batch.length > 1) {
        // It may be one of them only. What another partition has taken already is there twice then.
        const half = Math.ceil(batch.length / 2);
        await this.#send(topic, batch.slice(0, half));
        await this.#send(topic, batch.slice(half));
      } else {
        for (const { reject } of batch) reject(failure(error));
      }
    }
  }

  /** @param next the offset of the next record of each partition */
  #sent(topic: string, { message, resolve, reject }: Outgoing, next: Map<number, number>): void {
    const partition = message.partition ?? 0;
    if (this.#nowhere.has(message)) {
      reject(new RestyFfiError(`the topic "${topic}" has no partition ${partition}`, Code.UNKNOWN_TOPIC_OR_PARTITION));
      return;
    }
    const offset = next.get(partition) ?? -1;
    next.set(partition, offset + 1);
    resolve({ partition, offset: this.#config.acks === 0 ? -1 : offset });
  }

  /** Kafka's own, with a memory: a record that is sent once more goes where it went before. */
  #partitioner() {
    const choose = Partitioners.DefaultPartitioner();
    return (args: Parameters<typeof choose>[0]): number => {
      const { message, partitionMetadata } = args;
      message.partition ??= choose(args);
      const exists = partitionMetadata.some(({ partitionId }) => partitionId === message.partition);
      if (exists) this.#nowhere.delete(message);
      else this.#nowhere.add(message);
      return message.partition;
    };
  }
}
