import { setTimeout } from "node:timers/promises";
import { createRuntime, parseConfig, RestyFfiError } from "@resty-ffi/node";

const runtime = createRuntime();

// [config]
interface Config {
  greeting?: string;
}
let config: Config = {};

export function app(text: string | null) {
  config = parseConfig(text, (value) => value as Config);
  return runtime;
}
// [/config]

// [stream]
runtime.stream("ticks", async function* (requests) {
  const { value: count } = await requests.next();
  for (let n = 0; n < Number(count); n++) yield `tick ${n}`;
});

runtime.stream("upper", async function* (requests) {
  for await (const message of requests) yield String(message).toUpperCase();
});
// [/stream]

// [deadline]
runtime.method("slow", async (_request, call) => {
  call.log.debug("the caller waits for %d ms more", call.remaining());
  await setTimeout(10_000, null, { signal: call.signal });
  return "done";
});
// [/deadline]

// [errors]
runtime.method("divide", (request) => {
  const [a = 0, b = 0] = String(request).split(" ").map(Number);
  if (b === 0) throw new RestyFfiError("division by zero", 22);
  return String(Math.trunc(a / b));
});
// [/errors]

// [log]
runtime.method("hello", (name, call) => {
  call.log.info("hello %s", name);
  return `${config.greeting ?? "Hello"} ${name}`;
});
// [/log]

// [dict]
runtime.method("visits", async (name, call) => {
  const cache = call.dict.named("cache");
  return String(await cache.incr(`visits:${name}`));
});
// [/dict]
