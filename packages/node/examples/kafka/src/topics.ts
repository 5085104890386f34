import { setTimeout } from "node:timers/promises";
import { type Handler, RestyFfiError } from "@resty-ffi/node";
import type { Admin, Kafka } from "kafkajs";
import { z } from "zod";
import { Connected, untilAborted } from "./client.js";
import { Code, codeOf, failure } from "./failure.js";
import { parse } from "./request.js";

const CreateTopic = z.strictObject({
  topic: z.string().min(1),
  partitions: z.int().min(1).default(1),
  replication_factor: z.int().min(1).default(1),
});
type CreateTopic = z.infer<typeof CreateTopic>;

const POLL_MS = 50;

export class Topics {
  readonly #admin: Connected<Admin>;

  constructor(kafka: Kafka) {
    this.#admin = new Connected(kafka.admin());
  }

  readonly create: Handler = async (request, call) => {
    const topic = parse(CreateTopic, request);
    try {
      await untilAborted(this.#create(topic, call.signal), call.signal);
    } catch (error) {
      throw failure(error);
    }
    return JSON.stringify({ topic: topic.topic, partitions: topic.partitions });
  };

  close(): Promise<void> {
    return this.#admin.close();
  }

  async #create({ topic, partitions, replication_factor }: CreateTopic, signal: AbortSignal): Promise<void> {
    const admin = await this.#admin.get();
    const topics = [{ topic, numPartitions: partitions, replicationFactor: replication_factor }];
    const created = await admin.createTopics({ topics, waitForLeaders: false });
    if (!created) throw new RestyFfiError(`the topic "${topic}" exists already`, Code.TOPIC_ALREADY_EXISTS);
    // The brokers learn of it a moment later than the controller, who has answered.
    while (!(await isKnown(admin, topic))) await setTimeout(POLL_MS, null, { signal });
  }
}

async function isKnown(admin: Admin, topic: string): Promise<boolean> {
  try {
    await admin.fetchTopicMetadata({ topics: [topic] });
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === Code.UNKNOWN_TOPIC_OR_PARTITION || code === Code.LEADER_NOT_AVAILABLE) return false;
    throw error;
  }
}
