/** The streams of the conformance runtime. */
import { type Call, type Message, type Requests, RestyFfiError, type Runtime } from "@resty-ffi/node";

let running = 0;
let cancelled = 0;

/** How many streams were cancelled before their end. */
export const cancelledStreams = () => cancelled;

const KB64 = Buffer.from(Array.from({ length: 65536 }, (_, i) => i % 251));

const methods: Record<string, (requests: Requests) => AsyncGenerator<Message, void>> = {
  async *count(requests) {
    for (let i = 0, n = await number(requests); i < n; i++) yield String(i);
  },
  async *sum(requests) {
    let sum = 0;
    for await (const request of requests) sum += Number(request);
    yield String(sum);
  },
  async *chat(requests) {
    yield* requests;
  },
  async *flood(requests) {
    for (let i = 0, n = await number(requests); i < n; i++) yield KB64;
  },
  async *failstream(requests) {
    for (let i = 0, n = await number(requests); i < n; i++) yield String(i);
    throw new RestyFfiError("mid-stream", 7);
  },
};

async function number(requests: Requests): Promise<number> {
  return Number((await requests.next()).value ?? 0);
}

/** Counts how often a handler runs, and how often it was stopped. */
const counted = (serve: (requests: Requests) => AsyncGenerator<Message, void>) =>
  async function* (requests: Requests, call: Call) {
    running++;
    const count = () => cancelled++;
    call.signal.addEventListener("abort", count);
    try {
      yield* serve(requests);
    } finally {
      call.signal.removeEventListener("abort", count);
      running--;
    }
  };

export function addStreams(runtime: Runtime): Runtime {
  for (const [name, serve] of Object.entries(methods)) runtime.stream(name, counted(serve));
  return runtime.method("streams", () => String(running));
}
