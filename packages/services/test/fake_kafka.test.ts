import { startFakeKafka } from "../src/index.ts";
import { createTopic, hasTopic } from "./kafka_protocol.ts";
import { livesAndDies } from "./life.ts";

livesAndDies(startFakeKafka, {
  store: ({ address }) => createTopic(address, "stored"),
  has: ({ address }) => hasTopic(address, "stored"),
});
