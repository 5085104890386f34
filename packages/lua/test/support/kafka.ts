import { join } from "node:path";
import { ROOT } from "./places.ts";

/** What an nginx needs to find libffi_kafka.so. */
export const KAFKA_ENV = {
  LD_LIBRARY_PATH: [join(ROOT, "native/dist/lib"), join(ROOT, "runtimes/go/dist")].join(":"),
};

/** `p` is a producer, `consumer(group, topics, options)` makes a consumer, `state` is the worker's. */
export const kafkaPrelude = (address: string, options = "") => `
  local kafka = require "resty.ffi.kafka"
  local brokers = { "${address}" }
  local p = assert(kafka.producer{ brokers = brokers, ${options} })
  local support = require "support.kafka"
  local must, state, consumer = support.must, support.state, support.consumers(brokers)
`;
