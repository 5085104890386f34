import { createRuntime, type Runtime } from "@resty-ffi/node";
import { createClient } from "./client.js";
import { readConfig } from "./config.js";
import { consume } from "./consumer.js";
import { Records } from "./producer.js";
import { Topics } from "./topics.js";

/** ngx.load_ffi("ffi_nodejs", '/path/to/dist/kafka.js,app,{"brokers":["127.0.0.1:9092"]}') */
export function app(text: string | null): Runtime {
  const runtime = createRuntime();
  const config = readConfig(text);
  const kafka = createClient(config, runtime);
  const topics = new Topics(kafka);
  const records = new Records(kafka, config);
  return runtime
    .method("create_topic", topics.create)
    .method("produce", records.produce)
    .stream("consume", consume(kafka))
    .onUnload(() => Promise.all([topics.close(), records.close()]));
}
