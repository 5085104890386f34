import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, EachMessagePayload, Kafka, KafkaMessage } from "kafkajs";
import { RETRY } from "./client.js";
import { Code, codeOf } from "./failure.js";
import type { Subscription } from "./subscription.js";

/** After so long without a sign of life the group goes on without a member; brokers allow no less. */
const SESSION_MS = 6000;
const HEARTBEAT_MS = 1500;
/** So long the last question for records may be under way when the group is left. */
const FETCH_MS = 250;
const RETRY_MS = 200;

/** What passes when the group has settled again, or its broker is back. */
const PASSING: ReadonlySet<number | undefined> = new Set([
  undefined,
  Code.COORDINATOR_LOAD_IN_PROGRESS,
  Code.COORDINATOR_NOT_AVAILABLE,
  Code.NOT_COORDINATOR,
  Code.ILLEGAL_GENERATION,
  Code.UNKNOWN_MEMBER_ID,
  Code.REBALANCE_IN_PROGRESS,
]);

/** A place in a topic. */
export interface Position {
  topic: string;
  partition: number;
  offset: number;
}

/** A member of a consumer group. It joins again when its connection is lost, until the signal ends it. */
export class Member {
  /** Records and the answers to commits, as JSON; fails with what ended the membership. */
  readonly out: PassThrough;
  readonly #consumer: Consumer;
  readonly #subscription: Subscription;
  readonly #signal: AbortSignal;
  #joining: Promise<void> | undefined;
  #left = false;
  /** The next offset of each partition: a consumer that joins again begins at its last commit. */
  readonly #next = new Map<string, number>();
  #commits = 0;

  constructor(kafka: Kafka, subscription: Subscription, signal: AbortSignal) {
    this.#subscription = subscription;
    this.#signal = signal;
    this.out = new PassThrough({ objectMode: true, signal });
    const consumer = kafka.consumer({
      groupId: subscription.group,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: FETCH_MS,
      allowAutoTopicCreation: false,
      retry: { ...RETRY, restartOnFailure: async () => !this.#left },
    });
    consumer.on(consumer.events.COMMIT_OFFSETS, () => {
      this.#commits++;
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.out.destroy(payload.error);
    });
    // It may have been about to join again when it was told to leave.
    consumer.on(consumer.events.GROUP_JOIN, () => {
      if (this.#left) setImmediate(() => consumer.disconnect());
    });
    this.#consumer = consumer;
  }

  /** Returns when the group has given it its partitions. */
  join(): Promise<void> {
    this.#joining ??= this.#join();
    return this.#joining;
  }

  async #join(): Promise<void> {
    const { topics, from } = this.#subscription;
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics, fromBeginning: from === "earliest" });
    if (this.#left) return;
    await this.#consumer.run({ autoCommit: false, eachMessage: (payload) => this.#deliver(payload) });
  }

  /** Returns when the broker has it. */
  async commit(position: Position): Promise<void> {
    const { topic, partition, offset } = position;
    const offsets = [{ topic, partition, offset: String(offset + 1) }];
    for (;;) {
      const before = this.#commits;
      try {
        await this.#consumer.commitOffsets(offsets);
      } catch (error) {
        if (!PASSING.has(codeOf(error))) throw error;
      }
      // While the consumer restarts, kafkajs returns without having committed.
      if (this.#commits > before) break;
      await delay(RETRY_MS, null, { signal: this.#signal });
    }
    if (!this.out.write(JSON.stringify({ committed: position }))) await drained(this.out);
  }

  /** Ends the membership, so that the others get its partitions at once. */
  async leave(): Promise<void> {
    this.#left = true;
    await this.#joining?.catch(() => {}); // whoever waits for it knows; kafkajs cannot be stopped half-way
    await this.#consumer.disconnect();
  }

  async #deliver({ topic, partition, message, heartbeat }: EachMessagePayload): Promise<void> {
    const place = `${topic}/${partition}`;
    const offset = Number(message.offset);
    if (this.out.destroyed || offset < (this.#next.get(place) ?? 0)) return;
    this.#next.set(place, offset + 1);
    if (!this.out.write(shown({ topic, partition, offset }, message))) await drained(this.out, heartbeat);
  }
}

function shown(position: Position, { timestamp, key, value, headers = {} }: KafkaMessage): string {
  return JSON.stringify({
    ...position,
    timestamp: Number(timestamp),
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, text(value)])),
  });
}

/** A header that is there several times counts with its last value. */
function text(value: Buffer | string | (Buffer | string)[] | undefined): string | null {
  return (Array.isArray(value) ? value.at(-1) : value)?.toString() ?? null;
}

/** Resolves when the caller has read on. Sends heartbeats until then; rejects if the group rebalances. */
function drained(stream: PassThrough, heartbeat?: () => Promise<void>): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const beat = setInterval(() => heartbeat?.().catch(done), HEARTBEAT_MS);
    function done(error?: unknown): void {
      clearInterval(beat);
      stream.off("drain", done).off("close", done);
      if (error) reject(error);
      else resolve();
    }
    stream.on("drain", done).on("close", done);
  });
}
