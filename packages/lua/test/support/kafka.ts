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
  package.loaded.state = package.loaded.state or {}
  local state = package.loaded.state
  local function must(ok, ...)
    if not ok then error(table.concat({ ... }, ": "), 2) end
    return ...
  end
  local function consumer(group, topics, options)
    options = options or {}
    options.brokers, options.group, options.topics = brokers, group, topics
    local c, code, err = kafka.consumer(options)
    return c or error(code .. ": " .. err)
  end
`;
