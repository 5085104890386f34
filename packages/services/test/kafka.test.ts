import { expect, test } from "vitest";
import { startKafka } from "../src/index.ts";
import { authenticate, createTopic, hasTopic } from "./kafka_protocol.ts";
import { livesAndDies } from "./life.ts";

const kafka = livesAndDies(() => startKafka({ sasl: { user: "ada", password: "secret" } }), {
  store: ({ address }) => createTopic(address, "stored"),
  has: ({ address }) => hasTopic(address, "stored"),
});

test("the listener with SASL asks for the password", async () => {
  const address = kafka().saslAddress ?? "";
  expect(await authenticate(address, "ada", "secret")).toBe(0);
  expect(await authenticate(address, "ada", "wrong")).toBe(58);
});

test("properties are the broker's, and a wrong one is explained", async () => {
  await expect(startKafka({ properties: { "node.id": "none" } })).rejects.toThrow(/Invalid value none/);
});
